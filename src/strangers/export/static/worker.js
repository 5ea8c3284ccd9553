// The generator, away from the page's own thread: latents go in, pixels come out.

import * as ort from "./runtime/ort.wasm.bundle.min.js";

ort.env.wasm.numThreads = 1; // more need headers that a static host seldom sends

let session;

self.onmessage = async ({ data: { id, open, z, count, size } }) => {
  try {
    if (open) session = await ort.InferenceSession.create(open, { executionProviders: ["wasm"] });
    const pixels = open ? null : await draw(z, count, size);
    self.postMessage({ id, pixels }, pixels ? [pixels.buffer] : []);
  } catch (error) {
    self.postMessage({ id, error: String(error.message ?? error) });
  }
};

/** The faces of `count` latents, one after the other, as RGBA. */
async function draw(z, count, size) {
  const given = new ort.Tensor("float32", z, [count, z.length / count]);
  const { images } = await session.run({ z: given });
  const plane = size * size;
  const pixels = new Uint8ClampedArray(4 * plane * count).fill(255);
  for (let face = 0; face < count; face++) {
    for (let channel = 0; channel < 3; channel++) {
      const values = images.data.subarray((3 * face + channel) * plane, (3 * face + channel + 1) * plane);
      const first = 4 * face * plane + channel;
      for (let i = 0; i < plane; i++) pixels[first + 4 * i] = (values[i] + 1) * 127.5; // clamped, rounded half to even
    }
  }
  images.dispose();
  return pixels;
}
