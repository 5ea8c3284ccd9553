/** The generator, off the page's thread: latents go in, pixels come out. */

// @ts-ignore: `strangers export` copies onnxruntime-web beside this file
import * as ort from "./runtime/ort.wasm.bundle.min.js";

/** @typedef {{id: number, open?: Uint8Array, wasm?: Uint8Array, z: Float32Array, count: number, size: number}} Message */

const MAX_THREADS = 4; // the maps of a face are too small for more

// Threads share memory, which browsers allow on isolated pages alone; the service worker isolates this one.
const threads = self.crossOriginIsolated ? Math.min(MAX_THREADS, navigator.hardwareConcurrency) : 1;
ort.env.wasm.numThreads = threads;

/** @type {any} */
let session;

// The types of a worker and of a page cannot be loaded together.
const worker = /** @type {{postMessage(message: object, transfer: Transferable[]): void}} */ (
  /** @type {unknown} */ (self)
);

self.onmessage = async (
  /** @type {MessageEvent<Message>} */ { data: { id, open, wasm, z, count, size } },
) => {
  try {
    if (open) {
      ort.env.wasm.wasmBinary = wasm;
      session = await ort.InferenceSession.create(open, { executionProviders: ["wasm"] });
    }
    const pixels = open ? null : await draw(z, count, size);
    worker.postMessage({ id, pixels }, pixels ? [pixels.buffer] : []);
  } catch (error) {
    worker.postMessage({ id, error: error instanceof Error ? error.message : String(error) }, []);
  }
};

/**
 * The faces of `count` latents, one after another, as RGBA.
 *
 * @param {Float32Array} z
 * @param {number} count
 * @param {number} size
 */
async function draw(z, count, size) {
  const latents = new ort.Tensor("float32", z, [count, z.length / count]);
  const { images } = await session.run({ z: latents });
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
