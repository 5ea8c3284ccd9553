/** Patches of 4x4 pixels at every second pixel of images, which convolutions multiply. */

const KERNEL = 4;
const STRIDE = 2;
const PADDING = 1;

// Both functions visit the same runs of pixels. They are written out, since a call for each run takes half as long
// again as all of it.

/**
 * Cut images (count, side, side, channels) into patches (count * (side/2)^2, 16 * channels), zero outside.
 *
 * @param {Float32Array} images
 * @param {Float32Array} patches
 * @param {number} count
 * @param {number} side
 * @param {number} channels
 */
export function toPatches(images, patches, count, side, channels) {
  const out = side / STRIDE;
  const row = KERNEL * channels;
  let patch = 0;
  for (let image = 0; image < count; image++) {
    for (let y = 0; y < out; y++) {
      for (let x = 0; x < out; x++) {
        const left = x * STRIDE - PADDING;
        const first = left < 0 ? channels : 0; // of the row of the patch that is inside the image
        const end = left + KERNEL > side ? row - channels : row;
        for (let ky = 0; ky < KERNEL; ky++, patch += row) {
          const top = y * STRIDE - PADDING + ky;
          if (top < 0 || top >= side) {
            for (let i = 0; i < row; i++) patches[patch + i] = 0;
            continue;
          }
          const from = ((image * side + top) * side + left) * channels;
          for (let i = 0; i < first; i++) patches[patch + i] = 0;
          for (let i = first; i < end; i++) patches[patch + i] = images[from + i];
          for (let i = end; i < row; i++) patches[patch + i] = 0;
        }
      }
    }
  }
}

/**
 * Add patches up to images: the transposed map of `toPatches`.
 *
 * @param {Float32Array} patches
 * @param {Float32Array} images
 * @param {number} count
 * @param {number} side
 * @param {number} channels
 */
export function fromPatches(patches, images, count, side, channels) {
  const out = side / STRIDE;
  const row = KERNEL * channels;
  images.fill(0, 0, count * side * side * channels);
  let patch = 0;
  for (let image = 0; image < count; image++) {
    for (let y = 0; y < out; y++) {
      for (let x = 0; x < out; x++) {
        const left = x * STRIDE - PADDING;
        const first = left < 0 ? channels : 0;
        const end = left + KERNEL > side ? row - channels : row;
        for (let ky = 0; ky < KERNEL; ky++, patch += row) {
          const top = y * STRIDE - PADDING + ky;
          if (top < 0 || top >= side) continue;
          const to = ((image * side + top) * side + left) * channels;
          for (let i = first; i < end; i++) images[to + i] += patches[patch + i];
        }
      }
    }
  }
}
