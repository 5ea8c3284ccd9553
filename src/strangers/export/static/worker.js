/** The generator and the face detector, off the page's thread: latents go in, pixels or certainties come out. */

// @ts-ignore: `strangers export` copies onnxruntime-web beside this file
import * as ort from "./runtime/ort.wasm.bundle.min.js";

/**
 * @typedef {object} Message
 * @property {number} id
 * @property {Uint8Array} [open] The generator, with the runtime.
 * @property {Uint8Array} [wasm]
 * @property {Uint8Array} [detector]
 * @property {Float32Array} [z] Latents of `count` faces to draw, one after another.
 * @property {number} [count]
 * @property {Uint8ClampedArray[]} [pixels] Faces to judge, as RGBA.
 * @property {number} [size] Of a face.
 */

const MAX_THREADS = 4; // the maps of a face are too small for more

// Threads share memory, which browsers allow on isolated pages alone; the service worker isolates this one.
const threads = self.crossOriginIsolated ? Math.min(MAX_THREADS, navigator.hardwareConcurrency) : 1;
ort.env.wasm.numThreads = threads;

/** @type {any} */
let [session, judge] = [null, null];

// The types of a worker and of a page cannot be loaded together.
const worker = /** @type {{postMessage(message: object, transfer: Transferable[]): void}} */ (
  /** @type {unknown} */ (self)
);

self.onmessage = async (/** @type {MessageEvent<Message>} */ { data }) => {
  const { id } = data;
  try {
    const answer = await respond(data);
    worker.postMessage({ id, answer }, answer instanceof Uint8ClampedArray ? [answer.buffer] : []);
  } catch (error) {
    worker.postMessage({ id, error: error instanceof Error ? error.message : String(error) }, []);
  }
};

/** @param {Message} message */
async function respond({ open, wasm, detector, z, count = 0, pixels, size = 0 }) {
  if (open) ort.env.wasm.wasmBinary = wasm;
  if (open) session = await opened(open);
  if (detector) judge = await opened(detector);
  if (z) return draw(z, count, size);
  return pixels && certaintiesOf(pixels, size);
}

/** @param {Uint8Array} network */
function opened(network) {
  return ort.InferenceSession.create(network, { executionProviders: ["wasm"] });
}

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

/**
 * Return how certain the face detector is of each face, from 0 to 1.
 *
 * @param {Uint8ClampedArray[]} faces
 * @param {number} size
 * @returns {Promise<number[]>}
 */
async function certaintiesOf(faces, size) {
  const plane = size * size;
  const values = new Float32Array(3 * plane * faces.length);
  for (const [face, pixels] of faces.entries()) {
    for (let channel = 0; channel < 3; channel++) {
      const first = (3 * face + channel) * plane;
      for (let i = 0; i < plane; i++) values[first + i] = pixels[4 * i + channel] / 127.5 - 1;
    }
  }
  const images = new ort.Tensor("float32", values, [faces.length, 3, size, size]);
  const { certainties } = await judge.run({ images });
  return [...certainties.data];
}
