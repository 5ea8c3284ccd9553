/** Distances of the watched faces from the real ones, in numbers that anybody can check. */
import { CHANNELS, IMAGE, SIDE } from "./networks.js";

/**
 * @typedef {object} Measures
 * @property {number} distance Between the mean face and the mean of the real ones: root mean square, of 255 levels.
 * @property {number} variety Mean standard deviation of a pixel, as a share of that of the real ones.
 */

/**
 * Mean and deviation of each number of images, where `read` gives number i of an image.
 *
 * @param {number} count
 * @param {(image: number, i: number) => number} read In levels from 0 to 255.
 */
function statistics(count, read) {
  const size = 3 * SIDE * SIDE;
  const mean = new Float64Array(size);
  let deviation = 0;
  for (let i = 0; i < size; i++) {
    let [sum, squares] = [0, 0];
    for (let image = 0; image < count; image++) {
      const level = read(image, i);
      sum += level;
      squares += level * level;
    }
    mean[i] = sum / count;
    deviation += Math.sqrt(Math.max(0, squares / count - mean[i] ** 2)) / size;
  }
  return { mean, deviation };
}

/** @param {Uint8Array} images RGB. @param {number} count */
export function statisticsOfReal(images, count) {
  return statistics(count, (image, i) => images[3 * SIDE * SIDE * image + i]);
}

/**
 * @param {Float32Array} faces In [-1, 1], (count, SIDE, SIDE, CHANNELS).
 * @param {number} count
 * @param {ReturnType<typeof statistics>} real
 * @returns {Measures}
 */
export function measure(faces, count, real) {
  const at = (/** @type {number} */ i) => Math.floor(i / 3) * CHANNELS + (i % 3);
  const fake = statistics(count, (image, i) => (faces[image * IMAGE + at(i)] + 1) * 127.5);
  let sum = 0;
  for (let i = 0; i < fake.mean.length; i++) sum += (fake.mean[i] - real.mean[i]) ** 2;
  const distance = Math.sqrt(sum / fake.mean.length);
  return { distance, variety: real.deviation ? fake.deviation / real.deviation : 0 };
}
