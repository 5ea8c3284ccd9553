/**
 * Links to faces: the fragment of the page's address, which a browser sends to no server.
 *
 * Version 1, which docs/how-to/serve.md describes:
 *
 *   fragment    field & field & ...
 *   v           version of this grammar; 1 if absent
 *   view        faces | explore | photograph | game | learn | sets | training
 *   model       hash of the model: where several are served, or to make sure that it is the same one
 *   seed        whole number below 2**64                with truncation, from 0.05 to 1; 1 if absent
 *   latent      32-bit floats, little-endian, base64url
 *   mix         two or three ingredients: SEED | SEED@TRUNCATION | ~LATENT
 *   at          where in the mix: x for two, x,y for three; weights are 1 - x - y, x, y
 *   edit        ATTRIBUTE:STRENGTH, ...                  in standard deviations, from -3 to 3
 *   hold        ATTRIBUTE, ...                           edits of others are orthogonal to these
 *   wall        best | all                               without the faces that are likely broken, or with them
 *
 * A face is one of seed, latent and mix; edits come after truncation and mixing. The first of a repeated field counts.
 */
import { UserError } from "./errors.js";
import { parseSeed } from "./seeds.js";

/** @import {FaceDescription, Ingredient, Origin, Point, SeedOrigin} from "./face.js" */
/** @import {Latent, Strengths} from "./latent-math.js" */

/** @typedef {"best" | "all"} WallChoice */
/** @typedef {{view: string | null, model: string | null, face: FaceDescription | null, wall: WallChoice | null, problems: string[]}} Link */

const VERSION = "1";
export const MIN_TRUNCATION = 0.05;
export const MAX_STRENGTH = 3;
const MAX_NORM = 99; // of a latent: no edit and no mix of it then has a number beyond 100, which a server refuses
const UNLABELED = "Face from a link";

/**
 * The fragment of a view and a face, without "#".
 *
 * @param {string | null} view The default view if null.
 * @param {FaceDescription | null} face
 * @param {string | null} model Its hash, if the link should name it.
 * @param {WallChoice | null} wall The model's default if null.
 */
export function formatLink(view, face, model = null, wall = null) {
  /** @type {[string, string][]} */
  const fields = [];
  if (view !== null) fields.push(["view", view]);
  if (model !== null) fields.push(["model", model]);
  if (face) fields.push(...formatFace(face));
  if (wall !== null) fields.push(["wall", wall]);
  const encode = (/** @type {string} */ value) =>
    encodeURIComponent(value).replace(/%(2C|3A|40)/g, decodeURIComponent);
  return fields.map(([name, value]) => `${name}=${encode(value)}`).join("&");
}

/**
 * @param {FaceDescription} face
 * @returns {[string, string][]}
 */
function formatFace({ origin, strengths, held = [] }) {
  const fields = formatOrigin(origin);
  const edits = Object.entries(strengths).filter(([, strength]) => strength !== 0);
  if (edits.length === 0) return fields;
  fields.push(["edit", edits.map((edit) => edit.join(":")).join(",")]);
  if (held.length) fields.push(["hold", [...held].sort().join(",")]);
  return fields;
}

/**
 * @param {Origin} origin
 * @returns {[string, string][]}
 */
function formatOrigin(origin) {
  if (origin.kind === "latent") return [["latent", encodeLatent(origin.latent)]];
  if (origin.kind === "mix") {
    const ingredients = origin.ingredients.map(formatIngredient).join(",");
    return [
      ["mix", ingredients],
      ["at", origin.point.join(",")],
    ];
  }
  if (origin.truncation === 1) return [["seed", origin.seed]];
  return [
    ["seed", origin.seed],
    ["truncation", String(origin.truncation)],
  ];
}

/** @param {Ingredient} ingredient */
function formatIngredient(ingredient) {
  if (ingredient.kind === "latent") return `~${encodeLatent(ingredient.latent)}`;
  return ingredient.seed + (ingredient.truncation === 1 ? "" : `@${ingredient.truncation}`);
}

/**
 * Parse a fragment. What cannot be read is left out and named in `problems`.
 *
 * @param {string} fragment
 * @returns {Link}
 */
export function parseLink(fragment) {
  const fields = new URLSearchParams(fragment.replace(/^#/, ""));
  /** @type {string[]} */
  const problems = [];
  /** @template Value @param {() => Value} read @param {Value} otherwise */
  const attempt = (read, otherwise) => {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      problems.push(error.message);
      return otherwise;
    }
  };
  const [view, model] = [fields.get("view"), fields.get("model")];
  if ((fields.get("v") ?? VERSION) !== VERSION) {
    return {
      view,
      model,
      face: null,
      wall: null,
      problems: ["This link needs a newer version of this page."],
    };
  }
  const truncation = attempt(() => parseTruncation(fields.get("truncation")), 1);
  const origin = attempt(() => parseOrigin(fields, truncation), null);
  const hasFace = ["seed", "latent", "mix"].some((name) => fields.has(name));
  if (!hasFace && ["truncation", "at", "edit", "hold"].some((name) => fields.has(name)))
    problems.push("This link has no face: it needs #seed=, #latent= or #mix=.");
  const strengths = attempt(() => parseEdit(fields.get("edit")), {});
  const names = new Set((fields.get("hold") ?? "").split(",").filter(Boolean));
  const held = Object.keys(strengths).length ? [...names].sort() : [];
  const wall = attempt(() => parseWall(fields.get("wall")), null);
  return { view, model, face: origin && { origin, strengths, held }, wall, problems };
}

/**
 * @param {string | null} wall
 * @returns {WallChoice | null}
 */
function parseWall(wall) {
  if (wall === null || wall === "best" || wall === "all") return wall;
  throw new UserError("The wall shows the best faces or all of them: #wall=best or #wall=all.");
}

/**
 * @param {URLSearchParams} fields
 * @param {number} truncation
 * @returns {Origin | null}
 */
function parseOrigin(fields, truncation) {
  const [seed, latent, mix] = ["seed", "latent", "mix"].map((name) => fields.get(name));
  if (seed !== null) return parseSeedOrigin(seed, truncation);
  if (latent !== null) return { kind: "latent", latent: decodeLatent(latent), label: UNLABELED };
  if (mix !== null) return parseMix(mix, fields.get("at") ?? "");
  return null;
}

/**
 * @param {string} seed
 * @param {number} truncation
 * @returns {SeedOrigin}
 */
function parseSeedOrigin(seed, truncation) {
  return { kind: "seed", seed: String(parseSeed(seed)), truncation };
}

/** @param {string | null} text */
function parseTruncation(text) {
  const factor = text === null ? 1 : Number(text || NaN);
  if (!Number.isNaN(factor)) return clamp(factor, MIN_TRUNCATION, 1);
  throw new UserError(`A truncation is a number from ${MIN_TRUNCATION} to 1: #seed=17&truncation=0.7.`);
}

/**
 * @param {string} mix
 * @param {string} at
 * @returns {Origin}
 */
function parseMix(mix, at) {
  const ingredients = mix.split(",").map(parseIngredient);
  const [x, y = 0] = at.split(",").map((number) => clamp(Number(number || NaN), 0, 1));
  if (![2, 3].includes(ingredients.length) || Number.isNaN(x + y)) {
    throw new UserError("A mix has two or three faces and a point: #mix=17,18,19&at=0.5,0.25.");
  }
  if (ingredients.length === 3) return { kind: "mix", ingredients, point: [x, y] };
  /** @type {Point} */
  const point = [x, 0];
  return { kind: "mix", ingredients: [...ingredients, ingredients[0]], point }; // the third has no weight
}

/**
 * @param {string} text
 * @returns {Ingredient}
 */
function parseIngredient(text) {
  if (text.startsWith("~")) return { kind: "latent", latent: decodeLatent(text.slice(1)), label: UNLABELED };
  const [seed, truncation = null] = text.split("@");
  return parseSeedOrigin(seed, parseTruncation(truncation));
}

/**
 * @param {string | null} edit
 * @returns {Strengths}
 */
function parseEdit(edit) {
  /** @type {[string, number][]} */
  const strengths = [];
  for (const part of (edit ?? "").split(",").filter(Boolean)) {
    const [, name = "", strength = ""] = /^([^:]+):(.+)$/.exec(part) ?? [];
    const value = clamp(Number(strength || NaN), -MAX_STRENGTH, MAX_STRENGTH);
    if (Number.isNaN(value))
      throw new UserError("An edit is an attribute and a number: #seed=17&edit=Smiling:1.5.");
    if (value !== 0) strengths.push([name, value]);
  }
  return Object.fromEntries(strengths); // of any names, "__proto__" among them
}

/** @param {Latent} latent */
function encodeLatent(latent) {
  const bytes = new Uint8Array(latent.buffer, latent.byteOffset, latent.byteLength);
  const base64 = btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
  return base64.replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

/**
 * @param {string} text
 * @returns {Latent}
 */
function decodeLatent(text) {
  const base64 = text.replaceAll("-", "+").replaceAll("_", "/");
  const whole = /^[\w-]+$/.test(text) && text.length % 4 !== 1;
  const bytes = whole ? Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0)) : new Uint8Array(0);
  const latent = new Float32Array(bytes.buffer, 0, Math.floor(bytes.length / 4));
  const squares = latent.reduce((sum, value) => sum + value ** 2, 0); // NaN if a number is
  if (bytes.length % 4 || !latent.length || !(squares <= MAX_NORM ** 2)) {
    throw new UserError("The face in this link is damaged. Copy the whole link.");
  }
  return latent;
}

/**
 * @param {number} value
 * @param {number} low
 * @param {number} high
 */
function clamp(value, low, high) {
  return Math.min(high, Math.max(low, value));
}
