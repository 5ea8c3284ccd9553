/** A face as a value: where its latent comes from, how it is edited, and what it is called. */
import { UserError } from "./errors.js";
import { interpolate, truncate } from "./latent-math.js";

/** @import {Latent, Strengths} from "./latent-math.js" */
/** @import {Model, Source} from "./source.js" */

/** @typedef {{kind: "seed", seed: string, truncation: number}} SeedOrigin */
/** @typedef {{kind: "latent", latent: Latent, label: string}} LatentOrigin */
/** @typedef {SeedOrigin | LatentOrigin} Ingredient What a mix is made of. */
/** @typedef {[x: number, y: number]} Point On a plane: A is at (0, 0), B at (1, 0), C at (0, 1). */
/** @typedef {{kind: "mix", ingredients: Ingredient[], point: Point}} MixOrigin */
/** @typedef {Ingredient | MixOrigin} Origin */
/** @typedef {{origin: Origin, strengths: Strengths, held?: string[]}} FaceDescription What a link holds. */
/** @typedef {{ingredient: Ingredient, latent: Latent}} Corner A corner of the plane. */

/**
 * @typedef {object} Face
 * @property {Origin} origin
 * @property {Strengths} strengths
 * @property {string[]} [held] Attributes that edits of others leave alone.
 * @property {Latent} base The latent after truncation and before edits.
 * @property {Corner[]} corners Three if it is a mix, else none.
 * @property {ImageData} [picture] If it is drawn already.
 */

const POINT_DECIMALS = 3; // a link has as many, so that it shows the same face

/**
 * The face of a description. Throws UserError if it belongs to another model.
 *
 * @param {FaceDescription} description
 * @param {Source} source
 * @param {Model} model
 * @returns {Promise<Face>}
 */
export async function resolveFace({ origin, strengths, held }, source, model) {
  const ingredients = origin.kind === "mix" ? origin.ingredients : [origin];
  const seeds = ingredients.flatMap((each) => (each.kind === "seed" ? each.seed : []));
  const latents = seeds.length ? await source.latents(seeds) : [];
  const corners = ingredients.map((ingredient) => ({
    ingredient,
    latent: latentOf(ingredient, latents, model),
  }));
  if (origin.kind === "mix") return { ...mixFaces(corners, origin.point, model), strengths, held };
  return { origin, strengths, held, base: corners[0].latent, corners: [] };
}

/**
 * @param {Ingredient} ingredient
 * @param {Latent[]} latents Of the seeds; each is taken from its front.
 * @param {Model} model
 * @returns {Latent}
 */
function latentOf(ingredient, latents, model) {
  const latent = ingredient.kind === "seed" ? latents.shift() : ingredient.latent;
  if (latent?.length !== model.latent_size) throw new UserError("The face of this link is another model's.");
  return ingredient.kind === "seed" ? truncate(latent, ingredient.truncation) : latent;
}

/**
 * @param {Corner[]} corners
 * @param {Point} point
 * @param {Model} model
 * @returns {Face}
 */
export function mixFaces(corners, [x, y], model) {
  /** @type {Point} */
  const point = [round(x), round(y)];
  const latents = corners.map(({ latent }) => latent);
  const base = interpolate(latents, weightsAt(point), model.latent);
  const ingredients = corners.map(({ ingredient }) => ingredient);
  return { origin: { kind: "mix", ingredients, point }, strengths: {}, base, corners };
}

/** @param {Point} point */
function weightsAt([x, y]) {
  return [round(1 - x - y), x, y];
}

/** @param {number} value */
function round(value) {
  return Number(value.toFixed(POINT_DECIMALS));
}

/** @param {Strengths} strengths */
export function isEdited(strengths) {
  return Object.values(strengths).some((strength) => strength !== 0);
}

/**
 * @param {Origin} origin
 * @returns {string}
 */
export function labelOf(origin) {
  if (origin.kind === "seed") return `Face ${origin.seed}`;
  if (origin.kind === "latent") return origin.label;
  const weights = weightsAt(origin.point);
  return origin.ingredients
    .filter((_, i) => weights[i] !== 0)
    .map((ingredient) => labelOf(ingredient))
    .join(" + ");
}

/**
 * Return whether two origins give the same latent.
 *
 * @param {Origin} a
 * @param {Origin} b
 * @returns {boolean}
 */
export function sameOrigin(a, b) {
  if (a.kind === "seed") return b.kind === "seed" && a.seed === b.seed && a.truncation === b.truncation;
  if (a.kind === "latent") return b.kind === "latent" && a.latent === b.latent;
  if (b.kind !== "mix") return false;
  return (
    String(a.point) === String(b.point) &&
    a.ingredients.every((each, i) => sameOrigin(each, b.ingredients[i]))
  );
}
