/** Picture files of the visitor, which never leave the browser. */
import { UserError } from "./errors.js";

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
