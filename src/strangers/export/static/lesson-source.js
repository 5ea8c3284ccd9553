/** The files of the view Learn, on an exported page. */

/** @import {PageFiles} from "./onnx-source.js" */
/** @import {Source} from "./source.js" */

export const TRAINER = "learn/worker.js";
const DRAWN_FACES = "drawn-faces.webp";

/** @param {PageFiles} files */
export async function drawnFaces(files) {
  return new Blob([await files.bytes(DRAWN_FACES, () => {})], { type: "image/webp" });
}

/** A source without a model, for the page that `strangers export --to lesson` writes. */
export class LessonSource {
  /** @param {PageFiles} files */
  constructor(files) {
    this.files = files;
    /** @type {Source["views"]} */
    this.views = ["learn"]; // the only view, which asks for nothing else
  }

  async models() {
    return [];
  }

  drawnFaces() {
    return drawnFaces(this.files);
  }

  trainer() {
    return this.files.worker(TRAINER);
  }
}
