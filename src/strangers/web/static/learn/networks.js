/** A small DCGAN for images of 32x32 pixels (Radford et al. 2016), and its optimizer. */
import {
  BatchNorm,
  DEVIATION,
  Bias,
  Convolution,
  LeakyReLU,
  Linear,
  Tanh,
  TransposedConvolution,
} from "./layers.js";

/** @import {Arena} from "./arena.js" */
/** @import {Layer, Parameter} from "./layers.js" */
/** @import {Random} from "./random.js" */

export const SIDE = 32;
export const CHANNELS = 4; // red, green, blue, and one that is always zero: the product of matrices wants four
export const IMAGE = SIDE * SIDE * CHANNELS;
export const LATENT_SIZE = 32;
const WIDTHS = [64, 32, 16]; // channels at 4x4, 8x8 and 16x16 pixels
const SLOPE = 0.2;
const LOGITS = 4; // outputs of the discriminator, of which the first is used

/** Layers one after another, with Adam (Kingma and Ba 2015). */
export class Network {
  /** @param {Layer[]} layers */
  constructor(layers) {
    this.layers = layers;
    this.parameters = layers.flatMap((layer) => layer.parameters);
    this.steps = 0;
  }

  /**
   * @param {Float32Array} inputs
   * @param {number} count
   */
  forward(inputs, count) {
    return this.layers.reduce((values, layer) => layer.forward(values, count), inputs);
  }

  /**
   * Return the gradient of the inputs.
   *
   * @param {Float32Array} gradient
   * @param {number} count
   * @param {boolean} [weights] False leaves the gradients of the weights as they are.
   */
  backward(gradient, count, weights = true) {
    return this.layers.reduceRight((values, layer) => layer.backward(values, count, weights), gradient);
  }

  clearGradients() {
    for (const { gradient } of this.parameters) gradient.fill(0);
  }

  /**
   * One step of Adam.
   *
   * @param {number} rate
   * @param {number} beta1
   * @param {number} beta2
   */
  update(rate, beta1, beta2) {
    this.steps++;
    const factor = (rate * Math.sqrt(1 - beta2 ** this.steps)) / (1 - beta1 ** this.steps);
    for (const parameter of this.parameters) adam(parameter, factor, beta1, beta2);
  }
}

/**
 * @param {Parameter} parameter
 * @param {number} factor
 * @param {number} beta1
 * @param {number} beta2
 */
function adam({ value, gradient, mean, square }, factor, beta1, beta2) {
  for (let i = 0; i < value.length; i++) {
    const slope = gradient[i];
    mean[i] += (1 - beta1) * (slope - mean[i]);
    square[i] += (1 - beta2) * (slope * slope - square[i]);
    value[i] -= (factor * mean[i]) / (Math.sqrt(square[i]) + 1e-8);
  }
}

/**
 * From latents (count, LATENT_SIZE) to images in [-1, 1].
 *
 * @param {Arena} arena
 * @param {Random} random
 * @param {number} maxCount
 */
export function generator(arena, random, maxCount) {
  const [first, second, third] = WIDTHS;
  const doubling = (
    /** @type {number} */ side,
    /** @type {number} */ channels,
    /** @type {number} */ outputs,
  ) => new TransposedConvolution(arena, random, side, channels, outputs, maxCount);
  const normalized = (/** @type {number} */ channels, /** @type {number} */ side) => [
    new BatchNorm(arena, channels, side * side),
    new LeakyReLU(0, side * side * channels),
  ];
  return new Network([
    new Linear(arena, random, LATENT_SIZE, 16 * first, maxCount, DEVIATION),
    ...normalized(first, 4),
    doubling(4, first, second),
    ...normalized(second, 8),
    doubling(8, second, third),
    ...normalized(third, 16),
    doubling(16, third, CHANNELS),
    new Bias(arena, CHANNELS, SIDE * SIDE),
    new Tanh(IMAGE),
  ]);
}

/**
 * From images to logits (count, 4), of which the first is the one for real.
 *
 * @param {Arena} arena
 * @param {Random} random
 * @param {number} maxCount
 */
export function discriminator(arena, random, maxCount) {
  const [first, second, third] = WIDTHS;
  const halving = (
    /** @type {number} */ side,
    /** @type {number} */ channels,
    /** @type {number} */ outputs,
  ) => [
    new Convolution(arena, random, side, channels, outputs, maxCount),
    new Bias(arena, outputs, (side / 2) ** 2),
    new LeakyReLU(SLOPE, (side / 2) ** 2 * outputs),
  ];
  return new Network([
    ...halving(32, CHANNELS, third),
    ...halving(16, third, second),
    ...halving(8, second, first),
    new Linear(arena, random, 16 * first, LOGITS, maxCount, (16 * first) ** -0.5),
    new Bias(arena, LOGITS, 1),
  ]);
}

/**
 * The logits for real of the discriminator's outputs.
 *
 * @param {Float32Array} outputs
 * @param {number} count
 */
export function logitsOf(outputs, count) {
  return Float64Array.from({ length: count }, (_, i) => outputs[LOGITS * i]);
}

/**
 * Gradients of the logits as those of the discriminator's outputs.
 *
 * @param {ArrayLike<number>} gradients
 * @param {Float32Array} outputs Overwritten.
 */
export function spread(gradients, outputs) {
  outputs.fill(0, 0, LOGITS * gradients.length);
  for (let i = 0; i < gradients.length; i++) outputs[LOGITS * i] = gradients[i];
  return outputs;
}
