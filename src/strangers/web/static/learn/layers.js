/**
 * Layers of small networks, with their gradients. Images are (count, side, side, channels), row by row; channels
 * are multiples of 4.
 *
 * `backward` takes the gradient of the outputs of the last `forward`, adds to the gradients of the weights unless
 * told not to, and returns the gradient of the inputs.
 */
import { fromPatches, toPatches } from "./patches.js";

/** @import {Arena} from "./arena.js" */
/** @import {Random} from "./random.js" */

/**
 * @typedef {object} Layer
 * @property {Parameter[]} parameters
 * @property {(inputs: Float32Array, count: number) => Float32Array} forward
 * @property {(gradient: Float32Array, count: number, weights: boolean) => Float32Array} backward
 */

const KERNEL_AREA = 16;
export const DEVIATION = 0.02; // of a generator's weights (Radford et al. 2016, section 4)
const EPSILON = 1e-5; // of batch norm

/** Weights with their gradient, and Adam's averages of it. */
export class Parameter {
  /**
   * @param {Arena} arena
   * @param {number} count
   */
  constructor(arena, count) {
    this.value = arena.allocate(count);
    this.gradient = arena.allocate(count);
    this.mean = arena.allocate(count);
    this.square = arena.allocate(count);
  }
}

/** A linear map of rows: (count * rows, inputs) to (count * rows, outputs). @implements {Layer} */
export class Linear {
  /**
   * @param {Arena} arena
   * @param {Random} random
   * @param {number} inputs
   * @param {number} outputs
   * @param {number} maxRows
   * @param {number} deviation Of the weights at the start.
   */
  constructor(arena, random, inputs, outputs, maxRows, deviation) {
    this.arena = arena;
    this.inputs = inputs;
    this.outputs = outputs;
    this.weights = new Parameter(arena, inputs * outputs);
    random.fillNormal(this.weights.value, deviation);
    this.parameters = [this.weights];
    this.transposed = arena.allocate(inputs * outputs);
    this.result = arena.allocate(maxRows * outputs);
    this.gradient = arena.allocate(maxRows * inputs);
    /** @type {Float32Array} */
    this.given = this.result;
  }

  /**
   * @param {Float32Array} inputs
   * @param {number} rows
   */
  forward(inputs, rows) {
    this.given = inputs;
    this.arena.multiply(inputs, this.weights.value, this.result, rows, this.inputs, this.outputs);
    return this.result;
  }

  /**
   * @param {Float32Array} gradient
   * @param {number} rows
   * @param {boolean} weights
   */
  backward(gradient, rows, weights) {
    const { arena, inputs, outputs } = this;
    const options = { transposed: true, add: true };
    if (weights) arena.multiply(this.given, gradient, this.weights.gradient, inputs, rows, outputs, options);
    for (let i = 0; i < inputs; i++) {
      for (let j = 0; j < outputs; j++) {
        this.transposed[j * inputs + i] = this.weights.value[i * outputs + j];
      }
    }
    arena.multiply(gradient, this.transposed, this.gradient, rows, outputs, inputs);
    return this.gradient;
  }
}

/** A convolution that halves the side: kernel 4, stride 2, padding 1. @implements {Layer} */
export class Convolution {
  /**
   * @param {Arena} arena
   * @param {Random} random
   * @param {number} side Of its inputs.
   * @param {number} channels
   * @param {number} outputs Channels.
   * @param {number} maxCount
   */
  constructor(arena, random, side, channels, outputs, maxCount) {
    this.side = side;
    this.channels = channels;
    this.positions = (side / 2) ** 2;
    const inputs = KERNEL_AREA * channels;
    const rows = maxCount * this.positions;
    this.linear = new Linear(arena, random, inputs, outputs, rows, inputs ** -0.5);
    this.parameters = this.linear.parameters;
    this.patches = arena.allocate(maxCount * this.positions * KERNEL_AREA * channels);
    this.gradient = arena.allocate(maxCount * side * side * channels);
  }

  /**
   * @param {Float32Array} images
   * @param {number} count
   */
  forward(images, count) {
    toPatches(images, this.patches, count, this.side, this.channels);
    return this.linear.forward(this.patches, count * this.positions);
  }

  /**
   * @param {Float32Array} gradient
   * @param {number} count
   * @param {boolean} weights
   */
  backward(gradient, count, weights) {
    const patches = this.linear.backward(gradient, count * this.positions, weights);
    fromPatches(patches, this.gradient, count, this.side, this.channels);
    return this.gradient;
  }
}

/** The transposed convolution, which doubles the side. @implements {Layer} */
export class TransposedConvolution {
  /**
   * @param {Arena} arena
   * @param {Random} random
   * @param {number} side Of its inputs.
   * @param {number} channels
   * @param {number} outputs Channels.
   * @param {number} maxCount
   */
  constructor(arena, random, side, channels, outputs, maxCount) {
    this.side = 2 * side;
    this.outputs = outputs;
    this.positions = side * side;
    const rows = maxCount * this.positions;
    this.linear = new Linear(arena, random, channels, KERNEL_AREA * outputs, rows, DEVIATION);
    this.parameters = this.linear.parameters;
    this.result = arena.allocate(maxCount * this.side ** 2 * outputs);
    this.patches = arena.allocate(maxCount * this.positions * KERNEL_AREA * outputs);
  }

  /**
   * @param {Float32Array} images
   * @param {number} count
   */
  forward(images, count) {
    const patches = this.linear.forward(images, count * this.positions);
    fromPatches(patches, this.result, count, this.side, this.outputs);
    return this.result;
  }

  /**
   * @param {Float32Array} gradient
   * @param {number} count
   * @param {boolean} weights
   */
  backward(gradient, count, weights) {
    toPatches(gradient, this.patches, count, this.side, this.outputs);
    return this.linear.backward(this.patches, count * this.positions, weights);
  }
}

/** A number added to each channel. @implements {Layer} */
export class Bias {
  /**
   * @param {Arena} arena
   * @param {number} channels
   * @param {number} positions Per image.
   */
  constructor(arena, channels, positions) {
    this.channels = channels;
    this.positions = positions;
    this.shift = new Parameter(arena, channels);
    this.parameters = [this.shift];
  }

  /**
   * @param {Float32Array} images Changed in place.
   * @param {number} count
   */
  forward(images, count) {
    const { channels, shift } = this;
    const end = count * this.positions * channels;
    for (let i = 0; i < end; i += channels) {
      for (let c = 0; c < channels; c++) images[i + c] += shift.value[c];
    }
    return images;
  }

  /**
   * @param {Float32Array} gradient
   * @param {number} count
   * @param {boolean} weights
   */
  backward(gradient, count, weights) {
    const { channels, shift } = this;
    const end = weights ? count * this.positions * channels : 0;
    for (let i = 0; i < end; i += channels) {
      for (let c = 0; c < channels; c++) shift.gradient[c] += gradient[i + c];
    }
    return gradient;
  }
}

/** Batch normalization of each channel (Ioffe and Szegedy 2015), with the statistics of the batch. @implements {Layer} */
export class BatchNorm {
  /**
   * @param {Arena} arena
   * @param {number} channels
   * @param {number} positions Per image.
   */
  constructor(arena, channels, positions) {
    this.channels = channels;
    this.positions = positions;
    this.scale = new Parameter(arena, channels);
    this.shift = new Parameter(arena, channels);
    this.scale.value.fill(1);
    this.parameters = [this.scale, this.shift];
    this.inverse = new Float64Array(channels); // of the standard deviations
    /** @type {Float32Array} */
    this.normalized = new Float32Array(0);
  }

  /**
   * @param {Float32Array} images Changed in place.
   * @param {number} count
   */
  forward(images, count) {
    const { channels, scale, shift, inverse } = this;
    const rows = count * this.positions;
    if (this.normalized.length < rows * channels) this.normalized = new Float32Array(rows * channels);
    const end = rows * channels;
    const sums = new Float64Array(channels);
    const squares = new Float64Array(channels);
    for (let i = 0; i < end; i += channels) {
      for (let c = 0; c < channels; c++) {
        sums[c] += images[i + c];
        squares[c] += images[i + c] * images[i + c];
      }
    }
    for (let c = 0; c < channels; c++) {
      sums[c] /= rows; // the mean
      inverse[c] = 1 / Math.sqrt(Math.max(0, squares[c] / rows - sums[c] * sums[c]) + EPSILON);
    }
    for (let i = 0; i < end; i += channels) {
      for (let c = 0; c < channels; c++) {
        const value = (images[i + c] - sums[c]) * inverse[c];
        this.normalized[i + c] = value;
        images[i + c] = value * scale.value[c] + shift.value[c];
      }
    }
    return images;
  }

  /**
   * @param {Float32Array} gradient Changed in place.
   * @param {number} count
   * @param {boolean} weights
   */
  backward(gradient, count, weights) {
    const { channels, scale, shift, inverse, normalized } = this;
    const rows = count * this.positions;
    const end = rows * channels;
    const sums = new Float64Array(channels);
    const products = new Float64Array(channels);
    for (let i = 0; i < end; i += channels) {
      for (let c = 0; c < channels; c++) {
        sums[c] += gradient[i + c];
        products[c] += gradient[i + c] * normalized[i + c];
      }
    }
    for (let c = 0; c < channels && weights; c++) {
      shift.gradient[c] += sums[c];
      scale.gradient[c] += products[c];
    }
    for (let i = 0; i < end; i += channels) {
      for (let c = 0; c < channels; c++) {
        const centered = gradient[i + c] - (sums[c] + normalized[i + c] * products[c]) / rows;
        gradient[i + c] = scale.value[c] * inverse[c] * centered;
      }
    }
    return gradient;
  }
}

/** max(x, slope * x). @implements {Layer} */
export class LeakyReLU {
  /**
   * @param {number} slope
   * @param {number} size Numbers per image.
   */
  constructor(slope, size) {
    this.slope = slope;
    this.size = size;
    /** @type {Parameter[]} */
    this.parameters = [];
    /** @type {Float32Array} */
    this.result = new Float32Array(0);
  }

  /**
   * @param {Float32Array} images Changed in place.
   * @param {number} count
   */
  forward(images, count) {
    const { slope } = this;
    const end = count * this.size;
    for (let i = 0; i < end; i++) if (images[i] < 0) images[i] *= slope;
    this.result = images;
    return images;
  }

  /**
   * @param {Float32Array} gradient Changed in place.
   * @param {number} count
   */
  backward(gradient, count) {
    const { slope, result } = this;
    const end = count * this.size;
    for (let i = 0; i < end; i++) if (result[i] <= 0) gradient[i] *= slope;
    return gradient;
  }
}

/** The hyperbolic tangent. @implements {Layer} */
export class Tanh {
  /** @param {number} size Numbers per image. */
  constructor(size) {
    this.size = size;
    /** @type {Parameter[]} */
    this.parameters = [];
    /** @type {Float32Array} */
    this.result = new Float32Array(0);
  }

  /**
   * @param {Float32Array} images Changed in place.
   * @param {number} count
   */
  forward(images, count) {
    for (let i = 0; i < count * this.size; i++) images[i] = Math.tanh(images[i]);
    this.result = images;
    return images;
  }

  /**
   * @param {Float32Array} gradient Changed in place.
   * @param {number} count
   */
  backward(gradient, count) {
    for (let i = 0; i < count * this.size; i++) gradient[i] *= 1 - this.result[i] ** 2;
    return gradient;
  }
}
