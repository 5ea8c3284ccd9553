/** The page's side of the training: its worker, and the pictures that it learns from. */
import { UserError } from "../errors.js";
import { SIDE } from "./networks.js";

/** @import {Settings} from "./gan.js" */
/** @import {Report} from "./worker.js" */

export class Trainer {
  /**
   * @param {Worker} worker
   * @param {(report: Report) => void} reported
   * @param {(error: Error) => void} failed
   */
  constructor(worker, reported, failed) {
    this.worker = worker;
    worker.onmessage = ({ data }) => (data.error ? failed(new UserError(data.error)) : reported(data));
    worker.onerror = ({ message }) => {
      const reason = message ? `: ${message}` : "";
      failed(new UserError(`The training failed${reason}. Reload the page.`));
    };
  }

  /**
   * Start again with new networks, that learn from these pictures.
   *
   * @param {ImageData[]} pictures SIDE x SIDE pixels each.
   * @param {number} seed
   */
  start(pictures, seed) {
    const area = SIDE * SIDE;
    const images = new Uint8Array(3 * area * pictures.length);
    pictures.forEach(({ data }, n) => {
      for (let i = 0; i < area; i++) {
        for (let c = 0; c < 3; c++) images[3 * (n * area + i) + c] = data[4 * i + c];
      }
    });
    this.worker.postMessage({ kind: "start", images, seed }, [images.buffer]);
  }

  /** @param {Settings} settings */
  set(settings) {
    this.worker.postMessage({ kind: "settings", settings });
  }

  /** @param {boolean} running */
  run(running) {
    this.worker.postMessage({ kind: "run", running });
  }
}

/**
 * Cut a sheet of pictures, row by row.
 *
 * @param {Blob} sheet
 */
export async function cutSheet(sheet) {
  const bitmap = await createImageBitmap(sheet);
  const context = new OffscreenCanvas(bitmap.width, bitmap.height).getContext("2d", {
    willReadFrequently: true,
  });
  if (!context) throw new Error("This browser does not draw on canvases.");
  context.drawImage(bitmap, 0, 0);
  const columns = bitmap.width / SIDE;
  return Array.from({ length: (columns * bitmap.height) / SIDE }, (_, i) =>
    context.getImageData((i % columns) * SIDE, Math.floor(i / columns) * SIDE, SIDE, SIDE),
  );
}
