/** What is being loaded, and how much of it is there, in place of the page's first note. */
import { h } from "./dom.js";

export class LoadingNote {
  constructor() {
    const text = document.querySelector("#loading");
    this.text = text instanceof HTMLElement ? text : h("p", { class: "note" });
    this.bar = h("progress", { max: 1, value: 0, "aria-label": "Loading" });
    this.text.after(this.bar);
  }

  /**
   * @param {number} loaded In bytes.
   * @param {number} total
   */
  show(loaded, total) {
    const megabytes = (/** @type {number} */ bytes) => (bytes / 1e6).toFixed(1);
    this.text.textContent = `Loading the generator: ${megabytes(loaded)} of ${megabytes(total)} MB`;
    this.bar.value = total ? loaded / total : 0;
    if (loaded === total) this.text.textContent = "Starting the generator…";
  }
}
