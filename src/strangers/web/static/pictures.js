/** Picture files of the visitor: how they are chosen, and how they are read in the browser. */
import { h } from "./dom.js";
import { UserError } from "./errors.js";

/** @import {Child} from "./dom.js" */

/**
 * A button with which the visitor chooses picture files, and the file field behind it. The browser's own words about
 * the field ("No file chosen") do not know which files the page has read already.
 *
 * @param {Child[]} words On the button.
 * @param {(files: File[]) => void} take
 * @param {{[name: string]: any}} [attributes] Of the button.
 * @param {boolean} [multiple] Several files can be chosen at once.
 * @returns {[HTMLInputElement, HTMLButtonElement]}
 */
export function pictureButton(words, take, attributes = {}, multiple = true) {
  const field = h("input", { type: "file", accept: "image/*", multiple, hidden: true });
  field.addEventListener("change", () => {
    const files = [...(field.files ?? [])];
    field.value = ""; // so that the same files can be chosen again
    if (files.length) take(files);
  });
  return [field, h("button", { type: "button", onclick: () => field.click(), ...attributes }, ...words)];
}

/**
 * The middle square of each picture file, at `size` x `size` pixels.
 *
 * @param {Iterable<File>} files
 * @param {number} size
 */
export async function readPhotographs(files, size) {
  const pictures = [];
  for (const file of files) {
    const picture = await createImageBitmap(file).catch(() => null);
    if (!picture) continue;
    const side = Math.min(picture.width, picture.height);
    const [x, y] = [(picture.width - side) / 2, (picture.height - side) / 2];
    const context = new OffscreenCanvas(size, size).getContext("2d", { willReadFrequently: true });
    if (!context) throw new Error("This browser does not draw on canvases.");
    context.imageSmoothingQuality = "high";
    context.fillRect(0, 0, size, size); // under transparent pictures
    context.drawImage(picture, x, y, side, side, 0, 0, size, size);
    pictures.push(context.getImageData(0, 0, size, size));
    picture.close();
  }
  if (pictures.length === 0) throw new UserError("None of these files is a picture that this browser reads.");
  return pictures;
}
