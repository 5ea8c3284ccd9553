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

/** The latent moved by its strengths, {name: strength}, along `directions`. */
export function edited(latent, directions, strengths) {
  const moved = Object.entries(strengths).filter(([, strength]) => strength !== 0);
  if (moved.length === 0) return latent;
  const vectors = moved.map(([name]) => directions.vectors[directions.names.indexOf(name)]);
  return weighted([latent, ...vectors], [1, ...moved.map(([, strength]) => strength)]);
}

function norm(latent) {
  return Math.hypot(...latent);
}
