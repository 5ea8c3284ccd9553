/** Arithmetic of latents. */

/** @typedef {Float32Array<ArrayBuffer>} Latent */
/** @typedef {"normal" | "uniform"} Distribution */
/** @typedef {{[attribute: string]: number}} Strengths In standard deviations of the latents. */
/** @typedef {{names: string[], vectors: Latent[]}} AttributeVectors */

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
 * norm, a uniform one stays in [-1, 1].
 *
 * @param {Latent} latent
 * @param {AttributeVectors} directions
 * @param {Strengths} strengths
 * @param {Distribution} distribution
 * @returns {Latent}
 */
export function edit(latent, directions, strengths, distribution) {
  const moved = Object.entries(strengths).filter(([name, by]) => by !== 0 && directions.names.includes(name));
  if (moved.length === 0) return latent;
  const unit = distribution === "uniform" ? 1 / Math.sqrt(3) : 1;
  const sum = Array.from(latent);
  for (const [name, by] of moved) {
    directions.vectors[directions.names.indexOf(name)].forEach((value, i) => (sum[i] += unit * by * value));
  }
  if (distribution === "uniform") return Float32Array.from(sum, (value) => Math.max(-1, Math.min(1, value)));
  const scale = norm(latent) / (norm(sum) || 1);
  return Float32Array.from(sum, (value) => value * scale);
}

/** @param {ArrayLike<number>} latent */
function norm(latent) {
  return Math.hypot(...Array.from(latent));
}
