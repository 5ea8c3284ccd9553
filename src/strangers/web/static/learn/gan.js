/** The game of both networks: one step of the discriminator or several, then one of the generator. */
import { Arena } from "./arena.js";
import { fakeLoss, generatorLoss, realLoss, sigmoid } from "./losses.js";
import {
  CHANNELS,
  IMAGE,
  LATENT_SIZE,
  SIDE,
  discriminator,
  generator,
  logitsOf,
  spread,
} from "./networks.js";
import { Random } from "./random.js";

/** @import {LossName} from "./losses.js" */

/**
 * @typedef {object} Settings
 * @property {number} generatorRate Learning rates.
 * @property {number} discriminatorRate
 * @property {number} discriminatorSteps Per step of the generator.
 * @property {number} smoothing Of the labels of real images.
 * @property {number} batch A multiple of 4.
 * @property {number} r1 Weight of the R1 penalty; 0 for none.
 * @property {LossName} loss
 */

/**
 * @typedef {object} StepReport
 * @property {number} discriminatorLoss
 * @property {number} generatorLoss
 * @property {Float64Array} real The discriminator's opinions, from 0 (fake) to 1 (real).
 * @property {Float64Array} fake
 */

export const MAX_BATCH = 64;
export const FACES = 64; // that are watched, of the same latents all the time
const MEGABYTES = 96;
const BETA1 = 0.5; // Radford et al. 2016, section 4
const BETA2 = 0.99;
const R1_INTERVAL = 4; // steps; the weight is multiplied by it (Karras et al. 2020, "lazy regularization")
const R1_DISTANCE = 0.1; // how far images are moved to take a difference, as a Euclidean norm

export class Gan {
  /**
   * @param {Uint8Array} images RGB of all images, SIDE x SIDE pixels each.
   * @param {number} seed
   * @param {boolean} [wasm]
   */
  constructor(images, seed, wasm = true) {
    this.images = images;
    this.count = Math.floor(images.length / (3 * SIDE * SIDE));
    this.random = new Random(seed);
    this.arena = new Arena(MEGABYTES, wasm);
    this.generator = generator(this.arena, this.random, Math.max(MAX_BATCH, FACES));
    this.discriminator = discriminator(this.arena, this.random, MAX_BATCH);
    this.latents = this.arena.allocate(MAX_BATCH * LATENT_SIZE);
    this.real = this.arena.allocate(MAX_BATCH * IMAGE);
    this.moved = this.arena.allocate(MAX_BATCH * IMAGE);
    this.outputs = this.arena.allocate(MAX_BATCH * CHANNELS);
    this.watched = this.arena.allocate(FACES * LATENT_SIZE);
    this.random.fillNormal(this.watched);
    this.imagesSeen = 0; // real images shown to the discriminator
    this.penalized = 0;
  }

  /**
   * @param {Settings} settings
   * @returns {StepReport}
   */
  step(settings) {
    let report = this.#discriminatorStep(settings);
    for (let i = 1; i < settings.discriminatorSteps; i++) report = this.#discriminatorStep(settings);
    return { ...report, generatorLoss: this.#generatorStep(settings) };
  }

  /** Pixels of the watched faces, in [-1, 1], (FACES, SIDE, SIDE, CHANNELS). */
  faces() {
    return this.generator.forward(this.watched, FACES);
  }

  /** @param {Settings} settings */
  #discriminatorStep({ batch, loss, smoothing, r1, discriminatorRate }) {
    const { discriminator: network, outputs } = this;
    network.clearGradients();
    // Fake images first: the R1 penalty needs the activations of the real ones.
    const fakeLogits = logitsOf(network.forward(this.#draw(batch), batch), batch);
    const fake = fakeLoss(loss, fakeLogits);
    network.backward(spread(fake.gradient, outputs), batch);
    this.#takeReal(batch);
    const realLogits = logitsOf(network.forward(this.real, batch), batch);
    const real = realLoss(loss, realLogits, smoothing);
    network.backward(spread(real.gradient, outputs), batch);
    if (r1 > 0 && this.penalized++ % R1_INTERVAL === 0) this.penalize(batch, r1 * R1_INTERVAL);
    network.update(discriminatorRate, BETA1, BETA2);
    this.imagesSeen += batch;
    return {
      discriminatorLoss: real.value + fake.value,
      real: realLogits.map(sigmoid),
      fake: fakeLogits.map(sigmoid),
    };
  }

  /** @param {Settings} settings */
  #generatorStep({ batch, loss, generatorRate }) {
    const { generator: network, discriminator: judge } = this;
    network.clearGradients();
    const logits = logitsOf(judge.forward(this.#draw(batch), batch), batch);
    const { value, gradient } = generatorLoss(loss, logits);
    network.backward(judge.backward(spread(gradient, this.outputs), batch, false), batch);
    network.update(generatorRate, BETA1, BETA2);
    return value;
  }

  /**
   * Add the gradient of the R1 penalty, weight / 2 * mean of |gradient of D by a real image|^2 (Mescheder et al.
   * 2018, eq. 9). It is a second derivative, here the difference of the weights' gradients between images that are
   * moved along and against their own gradient.
   *
   * @param {number} batch
   * @param {number} weight
   */
  penalize(batch, weight) {
    const { discriminator: network, outputs, moved, real } = this;
    const ones = new Float64Array(batch).fill(1);
    const slope = network.backward(spread(ones, outputs), batch, false).slice(0, batch * IMAGE);
    const distance = R1_DISTANCE / (greatestNorm(slope, batch) + 1e-12);
    for (const sign of [1, -1]) {
      for (let i = 0; i < batch * IMAGE; i++) moved[i] = real[i] + sign * distance * slope[i];
      network.forward(moved, batch);
      const share = (sign * weight) / (2 * distance * batch);
      network.backward(
        spread(
          ones.map(() => share),
          outputs,
        ),
        batch,
      );
    }
  }

  /** New fake images. @param {number} batch */
  #draw(batch) {
    const latents = this.latents.subarray(0, batch * LATENT_SIZE);
    this.random.fillNormal(latents);
    return this.generator.forward(latents, batch);
  }

  /** Take random real images, half of them mirrored. @param {number} batch */
  #takeReal(batch) {
    const { images, real } = this;
    for (let i = 0; i < batch; i++) {
      const first = this.random.integer(this.count) * SIDE * SIDE;
      const mirror = this.random.uniform() < 0.5 ? SIDE - 1 : 0;
      for (let pixel = 0; pixel < SIDE * SIDE; pixel++) {
        const from = 3 * (first + (mirror ? pixel + mirror - 2 * (pixel % SIDE) : pixel));
        const to = i * IMAGE + pixel * CHANNELS;
        for (let c = 0; c < 3; c++) real[to + c] = images[from + c] / 127.5 - 1;
      }
    }
  }
}

/**
 * The greatest Euclidean norm among images.
 *
 * @param {Float32Array} images
 * @param {number} count
 */
function greatestNorm(images, count) {
  let greatest = 0;
  for (let i = 0; i < count; i++) {
    let sum = 0;
    for (let at = i * IMAGE; at < (i + 1) * IMAGE; at++) sum += images[at] ** 2;
    greatest = Math.max(greatest, Math.sqrt(sum));
  }
  return greatest;
}
