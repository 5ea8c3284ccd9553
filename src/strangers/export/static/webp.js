/** Endless animations as WebP files, put together from the still pictures that the browser encodes. */
import { UserError } from "./errors.js";
import { PACKET } from "./png.js";

const QUALITY = 0.85; // as strangers.images has it
const [ANIMATED, HAS_XMP, NO_BLENDING] = [2, 4, 2]; // flags
const RIFF_BYTES = 12; // before the first chunk
const PICTURE = ["ALPH", "VP8 ", "VP8L"]; // chunks of a still picture that a frame has too

/**
 * An animation of faces of one size, marked as generated.
 *
 * The chunks are those of the WebP Container Specification, "Extended file format".
 *
 * @param {ImageData[]} faces
 * @param {number} framesPerSecond
 */
export async function animation(faces, framesPerSecond) {
  const [{ width, height }] = faces;
  const size = [...number(width - 1, 3), ...number(height - 1, 3)];
  const duration = number(Math.round(1000 / framesPerSecond), 3);
  const frames = [];
  for (const face of faces) {
    const place = [...number(0, 6), ...size, ...duration, NO_BLENDING];
    frames.push(chunk("ANMF", new Uint8Array(place), ...(await pictureOf(face))));
  }
  const body = [
    new TextEncoder().encode("WEBP"),
    chunk("VP8X", new Uint8Array([ANIMATED | HAS_XMP, 0, 0, 0, ...size])),
    chunk("ANIM", new Uint8Array(6)), // a transparent background; no end
    ...frames,
    chunk("XMP ", new TextEncoder().encode(PACKET)),
  ];
  return new Blob([chunk("RIFF", ...body)], { type: "image/webp" });
}

/**
 * The chunks of a still picture of a face.
 *
 * @param {ImageData} face
 */
async function pictureOf(face) {
  const canvas = new OffscreenCanvas(face.width, face.height);
  canvas.getContext("2d", { alpha: false })?.putImageData(face, 0, 0);
  const still = await canvas.convertToBlob({ type: "image/webp", quality: QUALITY });
  if (still.type !== "image/webp") throw new UserError("This browser does not write WebP pictures.");
  const bytes = new Uint8Array(await still.arrayBuffer());
  const view = new DataView(bytes.buffer);
  const found = [];
  for (let at = RIFF_BYTES; at < bytes.length;) {
    const length = view.getUint32(at + 4, true);
    const end = at + 8 + length + (length % 2);
    if (PICTURE.includes(String.fromCharCode(...bytes.subarray(at, at + 4)))) {
      found.push(bytes.subarray(at, end));
    }
    at = end;
  }
  return found;
}

/**
 * A chunk: its kind, its length, its data, and a zero if they are odd.
 *
 * @param {string} kind
 * @param {...Uint8Array} parts
 */
function chunk(kind, ...parts) {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const whole = new Uint8Array(8 + length + (length % 2));
  whole.set(new TextEncoder().encode(kind));
  whole.set(number(length, 4), 4);
  let at = 8;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/**
 * A number as little-endian bytes.
 *
 * @param {number} value
 * @param {number} bytes
 */
function number(value, bytes) {
  return Array.from({ length: bytes }, (_, i) => (i < 4 ? (value >>> (8 * i)) & 0xff : 0));
}
