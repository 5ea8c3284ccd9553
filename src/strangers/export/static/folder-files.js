/** The files of a page in a folder, which are fetched from where the page is. */
import { UserError } from "./errors.js";

/** @import {Facts, PageFiles, Progress} from "./onnx-source.js" */

/** @implements {PageFiles} */
export class FolderFiles {
  /** @param {string} address Of faces.json, which lies beside the others. */
  constructor(address) {
    this.address = new URL(address, location.href);
  }

  /** @returns {Promise<Facts>} */
  async facts() {
    return (await this.#open(this.address.pathname.split("/").at(-1) ?? "")).json();
  }

  /** @param {string} name */
  worker(name) {
    return new Worker(new URL(name, this.address), { type: "module" });
  }

  /**
   * @param {string} name
   * @param {Progress} progress
   */
  async bytes(name, progress) {
    const { body } = await this.#open(name);
    const parts = [];
    const reader = body?.getReader();
    for (;;) {
      const { value, done } = (await reader?.read()) ?? { value: undefined, done: true };
      if (done || !value) break;
      parts.push(value);
      progress(value.length);
    }
    return new Uint8Array(await new Blob(parts).arrayBuffer());
  }

  /** @param {string} name */
  async #open(name) {
    const response = await fetch(new URL(name, this.address)).catch(() => null);
    if (!response?.ok) throw new UserError(`${name} could not be fetched. Reload the page.`);
    return response;
  }
}
