/** Arithmetic of latents. */

/** @typedef {Float32Array<ArrayBuffer>} Latent */
/** @typedef {"normal" | "uniform"} Distribution */
/** @typedef {{[attribute: string]: number}} Strengths In standard deviations of the latents. */
/** @typedef {{names: string[], vectors: Latent[]}} AttributeVectors */

const MIN_RESIDUAL = 0.01; // as in Python: a shorter residual of a unit vector lies in the span of the others

/**
 * The weighted sum of latents.
 *
 * @param {Latent[]} latents
 * @param {number[]} weights
 * @returns {Latent}
 */
export function weightedSum(latents, weights) {
  const sum = new Float32Array(latents[0].length);
  for (let i = 0; i < sum.length; i++) {
    sum[i] = latents.reduce((total, latent, which) => total + weights[which] * latent[i], 0);
  }
  return sum;
}

/**
 * The weighted sum, scaled to the weighted mean of the latents' norms: a plain mean of faces would be a bland one.
 *
 * @param {Latent[]} latents
 * @param {number[]} weights
 * @param {Distribution} distribution
 * @returns {Latent}
 */
export function interpolate(latents, weights, distribution) {
  const sum = weightedSum(latents, weights);
  if (distribution === "uniform") return sum.map((value) => Math.max(-1, Math.min(1, value)));
  const wanted = latents.reduce((total, latent, which) => total + Math.abs(weights[which]) * norm(latent), 0);
  const total = weights.reduce((sum, weight) => sum + Math.abs(weight), 0);
  const now = norm(sum);
  return now > 0 ? sum.map((value) => (value * wanted) / total / now) : sum;
}

/**
 * The latent times `truncation`, in 32 bits as Python multiplies it.
 *
 * @param {Latent} latent
 * @param {number} truncation
 * @returns {Latent}
 */
export function truncate(latent, truncation) {
  const factor = Math.fround(truncation);
  return latent.map((value) => value * factor);
}

/**
 * The latent moved along attribute directions, as Python's `Directions.edit` moves it: a normal latent keeps its
 * norm, a uniform one stays in [-1, 1]. Directions are orthogonal to those of the held attributes, as
 * `Directions.orthogonal_to` makes them.
 *
 * @param {Latent} latent
 * @param {AttributeVectors} directions
 * @param {Strengths} strengths
 * @param {Distribution} distribution
 * @param {string[]} held
 * @returns {Latent}
 */
export function edit(latent, directions, strengths, distribution, held = []) {
  const moved = Object.entries(strengths).filter(([name, by]) => by !== 0 && directions.names.includes(name));
  if (moved.length === 0) return latent;
  const unit = distribution === "uniform" ? 1 / Math.sqrt(3) : 1;
  const sum = Array.from(latent);
  for (const [name, by] of moved) {
    directionOf(name, directions, held).forEach((value, i) => (sum[i] += unit * by * value));
  }
  if (distribution === "uniform") return Float32Array.from(sum, (value) => Math.max(-1, Math.min(1, value)));
  const scale = norm(latent) / (norm(sum) || 1);
  return Float32Array.from(sum, (value) => value * scale);
}

/**
 * The unit direction of an attribute, orthogonal to those of the other held ones; zero if it lies in their span.
 *
 * @param {string} name
 * @param {AttributeVectors} directions
 * @param {string[]} held
 * @returns {Latent | number[]}
 */
function directionOf(name, { names, vectors }, held) {
  const vector = vectors[names.indexOf(name)];
  const others = names.flatMap((other, i) =>
    other !== name && held.includes(other) ? [Array.from(vectors[i])] : [],
  );
  if (others.length === 0) return vector;
  /** @type {number[][]} */
  const basis = [];
  for (const other of others) {
    const residual = without(other, basis);
    if (norm(residual) > 1e-6) basis.push(scaled(residual, 1 / norm(residual)));
  }
  const residual = without(Array.from(vector), basis);
  return scaled(residual, norm(residual) >= MIN_RESIDUAL ? 1 / norm(residual) : 0);
}

/**
 * The part of a vector that is orthogonal to an orthonormal basis. It is taken twice: once leaves rounding errors.
 *
 * @param {number[]} vector
 * @param {number[][]} basis
 */
function without(vector, basis) {
  for (const axis of [...basis, ...basis]) {
    const along = axis.reduce((sum, value, i) => sum + value * vector[i], 0);
    vector = vector.map((value, i) => value - along * axis[i]);
  }
  return vector;
}

/**
 * @param {number[]} vector
 * @param {number} factor
 */
function scaled(vector, factor) {
  return vector.map((value) => value * factor);
}

/** @param {ArrayLike<number>} latent */
function norm(latent) {
  return Math.hypot(...Array.from(latent));
}
