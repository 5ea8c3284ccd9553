/** The files of a page that is one HTML file: each is a script element that holds it, compressed, as base64. */
import { UserError } from "./errors.js";

/** @import {Facts, PageFiles, Progress} from "./onnx-source.js" */

const PREFIX = "file:"; // of the elements' ids

/** Return whether this page holds its files. */
export function isEmbedded() {
  return document.querySelector(`[id^="${PREFIX}"]`) !== null;
}

/** @implements {PageFiles} */
export class EmbeddedFiles {
  /** @returns {Promise<Facts>} */
  async facts() {
    return JSON.parse(new TextDecoder().decode(await this.bytes("faces.json", () => {})));
  }

  /** @param {string} name */
  async worker(name) {
    const source = await this.bytes(name, () => {});
    const address = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
    return new Worker(address);
  }

  /**
   * @param {string} name
   * @param {Progress} progress
   */
  async bytes(name, progress) {
    const element = document.getElementById(PREFIX + name);
    if (!element) throw new UserError(`This page is damaged: it lacks ${name}. Download it again.`);
    const packed = Uint8Array.from(atob(element.textContent.trim()), (letter) => letter.charCodeAt(0));
    const unpacked = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
    const bytes = new Uint8Array(await new Response(unpacked).arrayBuffer());
    progress(bytes.length);
    return bytes;
  }
}
