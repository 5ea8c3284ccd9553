/** Arithmetic of latents, Float32Arrays of one length. */

/** The sum of latents, each times its weight. */
export function weighted(latents, weights) {
  const sum = new Float32Array(latents[0].length);
  for (let i = 0; i < sum.length; i++) {
    sum[i] = latents.reduce((total, latent, which) => total + weights[which] * latent[i], 0);
  }
  return sum;
}

/** As `weighted`, as far from the middle as the latents themselves: a mean of faces would be a bland one. */
export function blend(latents, weights, distribution) {
  const sum = weighted(latents, weights);
  if (distribution === "uniform") return sum.map((value) => Math.max(-1, Math.min(1, value)));
  const wanted = latents.reduce((total, latent, which) => total + Math.abs(weights[which]) * norm(latent), 0);
  const share = weights.reduce((total, weight) => total + Math.abs(weight), 0);
  const now = norm(sum);
  return now > 0 ? sum.map((value) => (value * wanted) / share / now) : sum;
}

/** The latent after a truncation: each number times `truncation`, as Python multiplies it. */
export function truncated(latent, truncation) {
  const factor = Math.fround(truncation);
  return latent.map((value) => value * factor);
}

/**
 * The latent moved by its strengths, {name: strength}, in standard deviations along `directions`, as Python's
 * `Directions.edit` moves it: a normal latent keeps its length, a uniform one stays in [-1, 1].
 */
export function edited(latent, directions, strengths, distribution) {
  const moved = Object.entries(strengths).filter(([name, by]) => by !== 0 && directions.names.includes(name));
  if (moved.length === 0) return latent;
  const unit = distribution === "uniform" ? 1 / Math.sqrt(3) : 1;
  const sum = Array.from(latent);
  for (const [name, by] of moved) {
    directions.vectors[directions.names.indexOf(name)].forEach((value, i) => (sum[i] += unit * by * value));
  }
  if (distribution === "uniform") return Float32Array.from(sum, (value) => Math.max(-1, Math.min(1, value)));
  const kept = norm(latent) / (norm(sum) || 1);
  return Float32Array.from(sum, (value) => value * kept);
}

function norm(latent) {
  return Math.hypot(...latent);
}
