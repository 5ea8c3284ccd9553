/** The training of the view Learn, off the page's thread: settings go in, faces and opinions come out. */
import { FACES, Gan } from "./gan.js";
import { measure, statisticsOfReal } from "./measures.js";
import { CHANNELS, IMAGE, SIDE } from "./networks.js";

/** @import {Settings} from "./gan.js" */

/**
 * @typedef {{kind: "start", images: Uint8Array, seed: number, wasm?: boolean}
 *   | {kind: "settings", settings: Settings}
 *   | {kind: "run", running: boolean}} Message
 */

/**
 * @typedef {object} Report
 * @property {number} images Real images seen.
 * @property {number} rate Images per second.
 * @property {number} generatorLoss
 * @property {number} discriminatorLoss
 * @property {number} real The discriminator's mean opinions since the report before, from 0 (fake) to 1 (real).
 * @property {number} fake
 * @property {number[]} realCounts How many of its opinions fell into each of BINS bins.
 * @property {number[]} fakeCounts
 * @property {number} distance
 * @property {number} variety
 * @property {boolean} simd Whether WebAssembly computes.
 * @property {Uint8ClampedArray<ArrayBuffer>} faces RGBA of FACES images.
 */

const BINS = 20;
const SLICE_MS = 60; // of work between two looks at the messages
const REPORT_MS = 500;

// The types of a worker and of a page cannot be loaded together.
const port = /** @type {{postMessage(message: object, transfer: Transferable[]): void}} */ (
  /** @type {unknown} */ (self)
);

/** @type {Training | null} */
let training = null;

self.onmessage = ({ data }) => {
  const message = /** @type {Message} */ (data);
  try {
    if (message.kind === "start") {
      training?.stop();
      training = new Training(message.images, message.seed, message.wasm);
      training.report();
    } else if (message.kind === "settings" && training) training.settings = message.settings;
    else if (message.kind === "run") training?.run(message.running);
  } catch (error) {
    port.postMessage({ error: error instanceof Error ? error.message : String(error) }, []);
  }
};

class Training {
  /**
   * @param {Uint8Array} images
   * @param {number} seed
   * @param {boolean} [wasm]
   */
  constructor(images, seed, wasm) {
    this.gan = new Gan(images, seed, wasm);
    this.real = statisticsOfReal(images, this.gan.count);
    /** @type {Settings | null} */
    this.settings = null;
    this.running = false;
    this.stopped = false;
    this.losses = { generatorLoss: NaN, discriminatorLoss: NaN };
    this.tally = newTally(0);
  }

  stop() {
    this.stopped = true;
  }

  /** @param {boolean} running */
  run(running) {
    const wasRunning = this.running;
    this.running = running;
    if (!running || wasRunning) return;
    this.tally = newTally(this.gan.imagesSeen);
    this.#work();
  }

  /** Train for a moment, then let messages in. */
  #work() {
    if (!this.running || this.stopped || !this.settings) return;
    const until = performance.now() + SLICE_MS;
    do this.#step(this.settings);
    while (performance.now() < until);
    if (performance.now() - this.tally.since > REPORT_MS) this.report();
    setTimeout(() => this.#work());
  }

  /** @param {Settings} settings */
  #step(settings) {
    const step = this.gan.step(settings);
    this.losses = step;
    count(step.real, this.tally.real);
    count(step.fake, this.tally.fake);
  }

  report() {
    const { gan, tally, losses } = this;
    const faces = gan.faces();
    const pixels = toPixels(faces);
    const seconds = (performance.now() - tally.since) / 1000;
    /** @type {Report} */
    const report = {
      images: gan.imagesSeen,
      rate: (gan.imagesSeen - tally.images) / seconds,
      generatorLoss: losses.generatorLoss,
      discriminatorLoss: losses.discriminatorLoss,
      real: tally.real.sum / tally.real.count,
      fake: tally.fake.sum / tally.fake.count,
      realCounts: tally.real.bins,
      fakeCounts: tally.fake.bins,
      ...measure(faces, FACES, this.real),
      simd: gan.arena.kernel !== null,
      faces: pixels,
    };
    port.postMessage(report, [pixels.buffer]);
    this.tally = newTally(gan.imagesSeen);
  }
}

/** @typedef {{bins: number[], sum: number, count: number}} Opinions */

/**
 * The opinions from now on, and the time.
 *
 * @param {number} images Seen until now.
 */
function newTally(images) {
  /** @returns {Opinions} */
  const none = () => ({ bins: Array(BINS).fill(0), sum: 0, count: 0 });
  return { since: performance.now(), images, real: none(), fake: none() };
}

/**
 * @param {Float64Array} opinions
 * @param {Opinions} counted
 */
function count(opinions, counted) {
  for (const opinion of opinions) {
    counted.bins[Math.min(BINS - 1, Math.floor(opinion * BINS))]++;
    counted.sum += opinion;
    counted.count++;
  }
}

/** @param {Float32Array} faces */
function toPixels(faces) {
  const pixels = new Uint8ClampedArray(4 * SIDE * SIDE * FACES).fill(255);
  for (let i = 0; i < (FACES * IMAGE) / CHANNELS; i++) {
    for (let c = 0; c < 3; c++) pixels[4 * i + c] = (faces[CHANNELS * i + c] + 1) * 127.5;
  }
  return pixels;
}
