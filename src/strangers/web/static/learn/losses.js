/** The losses of both players, with their gradients, as functions of the logits for real. */

/** @typedef {"bce" | "minimax" | "hinge"} LossName */
/** @typedef {{value: number, gradient: Float64Array}} Loss The mean over the batch, and its gradient. */

/** @param {number} x */
export function sigmoid(x) {
  return 1 / (1 + Math.exp(-x));
}

/** log(1 + exp(x)). @param {number} x */
function softplus(x) {
  return Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
}

/**
 * @param {Float64Array} logits
 * @param {(logit: number) => [value: number, slope: number]} one
 * @returns {Loss}
 */
function mean(logits, one) {
  const gradient = new Float64Array(logits.length);
  let sum = 0;
  logits.forEach((logit, i) => {
    const [value, slope] = one(logit);
    sum += value;
    gradient[i] = slope / logits.length;
  });
  return { value: sum / logits.length, gradient };
}

/**
 * The discriminator's loss on real images.
 *
 * @param {LossName} name
 * @param {Float64Array} logits
 * @param {number} smoothing Real images have the label 1 - smoothing; not with hinge.
 */
export function realLoss(name, logits, smoothing) {
  if (name === "hinge") return mean(logits, (logit) => (logit < 1 ? [1 - logit, -1] : [0, 0]));
  const label = 1 - smoothing;
  return mean(logits, (logit) => [softplus(logit) - label * logit, sigmoid(logit) - label]);
}

/**
 * The discriminator's loss on fake images.
 *
 * @param {LossName} name
 * @param {Float64Array} logits
 */
export function fakeLoss(name, logits) {
  if (name === "hinge") return mean(logits, (logit) => (logit > -1 ? [1 + logit, 1] : [0, 0]));
  return mean(logits, (logit) => [softplus(logit), sigmoid(logit)]);
}

/**
 * The generator's loss: "bce" is the non-saturating one of Goodfellow et al. 2014, section 3, "minimax" the other.
 *
 * @param {LossName} name
 * @param {Float64Array} logits
 */
export function generatorLoss(name, logits) {
  if (name === "hinge") return mean(logits, (logit) => [-logit, -1]);
  if (name === "minimax") return mean(logits, (logit) => [-softplus(logit), -sigmoid(logit)]);
  return mean(logits, (logit) => [softplus(-logit), sigmoid(logit) - 1]);
}
