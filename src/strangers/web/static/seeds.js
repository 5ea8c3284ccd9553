/** Seeds, and their latents: bit-identical to Python's (docs/reference/latents.md, which has test vectors). */
import { UserError } from "./errors.js";

/** @import {Distribution, Latent} from "./latent-math.js" */

export const SEEDS = 2n ** 64n; // how many there are
const ROUNDS = 10;

/**
 * Parse a seed. Throws UserError for anything but a whole number in [0, 2**64).
 *
 * @param {string | bigint} text
 * @returns {bigint}
 */
export function parseSeed(text) {
  const digits = String(text).trim();
  if (/^\d{1,20}$/.test(digits) && BigInt(digits) < SEEDS) return BigInt(digits);
  throw new UserError(`A seed is a whole number from 0 to ${SEEDS - 1n}.`);
}

/** A seed of 32 bits, which is easier to read than one of 64. */
export function randomSeed() {
  const [number] = crypto.getRandomValues(new Uint32Array(1));
  return String(number);
}

/**
 * The latent of a seed in [0, 2**64): N(0, 1) if the distribution is "normal", U(-1, 1) if it is "uniform".
 *
 * @param {bigint} seed
 * @param {number} size
 * @param {Distribution} distribution
 * @returns {Latent}
 */
export function latentOfSeed(seed, size, distribution) {
  const key = [Number(seed & 0xffffffffn), Number(seed >> 32n)];
  const numbers = new Float64Array(4 * Math.ceil(size / 4));
  for (let block = 0; 4 * block < size; block++) {
    const u = philox([block, 0, 0, 0], key).map((word) => (word + 0.5) / 2 ** 32);
    numbers.set(distribution === "uniform" ? u.map((each) => 2 * each - 1) : boxMuller(u), 4 * block);
  }
  return Float32Array.from(numbers.subarray(0, size));
}

/**
 * Philox4x32-10 (Salmon et al. 2011): a counter of four 32-bit words and a key of two -> four words.
 *
 * @param {number[]} counter
 * @param {number[]} key
 * @returns {number[]}
 */
export function philox(counter, key) {
  let [c0, c1, c2, c3] = counter;
  let [k0, k1] = key;
  for (let round = 0; round < ROUNDS; round++) {
    const high0 = highWord(0xd2511f53, c0);
    const high2 = highWord(0xcd9e8d57, c2);
    const low0 = Math.imul(0xd2511f53, c0) >>> 0;
    const low2 = Math.imul(0xcd9e8d57, c2) >>> 0;
    [c0, c1, c2, c3] = [(high2 ^ c1 ^ k0) >>> 0, low2, (high0 ^ c3 ^ k1) >>> 0, low0];
    k0 = (k0 + 0x9e3779b9) >>> 0;
    k1 = (k1 + 0xbb67ae85) >>> 0;
  }
  return [c0, c1, c2, c3];
}

/**
 * Four uniform numbers -> four independent N(0, 1) (Box and Muller 1958).
 *
 * @param {number[]} u
 */
function boxMuller(u) {
  const numbers = [];
  for (const [first, second] of [
    [u[0], u[1]],
    [u[2], u[3]],
  ]) {
    const radius = Math.sqrt(-2 * Math.log(first));
    const angle = 2 * Math.PI * second;
    numbers.push(radius * Math.cos(angle), radius * Math.sin(angle));
  }
  return numbers;
}

/**
 * The upper word of the product of two 32-bit words, by halves: a number is exact up to 2**53 only.
 *
 * @param {number} a
 * @param {number} b
 */
function highWord(a, b) {
  const [aLow, aHigh, bLow, bHigh] = [a & 0xffff, a >>> 16, b & 0xffff, b >>> 16];
  const middle = aHigh * bLow + ((aLow * bLow) >>> 16);
  const other = aLow * bHigh + (middle & 0xffff);
  return aHigh * bHigh + Math.floor(middle / 65536) + Math.floor(other / 65536);
}
