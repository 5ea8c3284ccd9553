/** Games of "Photograph or stranger?": their faces, their solutions, and their score. */
import { UserError } from "./errors.js";

/** @import {Source} from "./source.js" */

/** @typedef {"real" | "fake"} Kind A photograph, or a generated face. */

/**
 * @typedef {object} Game
 * @property {ImageData[]} faces
 * @property {number} shownMs How long each is shown, in milliseconds.
 * @property {(position: number, answer: Kind) => Promise<{kind: Kind, kept: boolean}>} answer
 *   The solution, and whether a host has kept the answer.
 */

const FACES_PER_GAME = 20;
const SHOWN_MS = 1000;
const MAX_SEED = 2 ** 32;
const Z = 1.959963984540054; // of a two-sided interval of 95%

/**
 * A game of these photographs and new faces of the model, which nobody else hears of. Each face is a photograph
 * with probability 1/2, so that counting them does not help.
 *
 * @param {Source} source
 * @param {ImageData[]} photographs
 * @returns {Promise<Game>}
 */
export async function localGame(source, photographs) {
  if (photographs.length === 0) throw new UserError("There are no photographs to play with.");
  /** @type {Kind[]} */
  const kinds = Array.from({ length: FACES_PER_GAME }, () => (random(2) ? "real" : "fake"));
  const seeds = kinds.filter((kind) => kind === "fake").map(() => String(random(MAX_SEED)));
  const fakes = seeds.length ? await source.faces({ seeds }) : [];
  /** @type {ImageData[]} */
  let reals = [];
  const faces = kinds.map((kind) => {
    if (reals.length === 0) reals = shuffled(photographs);
    return /** @type {ImageData} */ ((kind === "real" ? reals : fakes).pop());
  });
  return { faces, shownMs: SHOWN_MS, answer: async (position) => ({ kind: kinds[position], kept: false }) };
}

/**
 * @typedef {object} Score
 * @property {number} count Of answers.
 * @property {number} wrong
 * @property {{[kind in Kind]: {count: number, wrong: number}}} by
 */

/** @returns {Score} */
export function newScore() {
  return { count: 0, wrong: 0, by: { real: { count: 0, wrong: 0 }, fake: { count: 0, wrong: 0 } } };
}

/**
 * @param {Score} score
 * @param {Kind} kind
 * @param {Kind} answer
 */
export function addAnswer(score, kind, answer) {
  const wrong = Number(kind !== answer);
  for (const part of [score, score.by[kind]]) {
    part.count++;
    part.wrong += wrong;
  }
}

/**
 * The share of `count` trials and its 95% interval (Wilson 1927).
 *
 * @param {number} hits
 * @param {number} count
 */
export function wilson(hits, count) {
  if (count === 0) return { rate: NaN, low: 0, high: 1 };
  const rate = hits / count;
  const middle = (rate + (Z * Z) / (2 * count)) / (1 + (Z * Z) / count);
  const half =
    (Z / (1 + (Z * Z) / count)) * Math.sqrt((rate * (1 - rate)) / count + (Z * Z) / (4 * count * count));
  return { rate, low: Math.max(0, middle - half), high: Math.min(1, middle + half) };
}

/**
 * A whole number below `limit`, which nobody can foresee.
 *
 * @param {number} limit
 */
function random(limit) {
  return Math.floor((crypto.getRandomValues(new Uint32Array(1))[0] / 2 ** 32) * limit);
}

/**
 * @template Item
 * @param {Item[]} items
 */
function shuffled(items) {
  const copy = [...items];
  for (let last = copy.length - 1; last > 0; last--) {
    const other = random(last + 1);
    [copy[last], copy[other]] = [copy[other], copy[last]];
  }
  return copy;
}
