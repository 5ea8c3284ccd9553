/** A note on what is being loaded, and how much of it is there: in place of the page's first note, and in the header. */
import { byId, h } from "./dom.js";

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
    const share = total ? loaded / total : 0;
    const starts = loaded === total;
    const amount = `${megabytes(loaded)} of ${megabytes(total)} MB`;
    this.text.textContent = starts ? "Starting the generator…" : `Loading the generator: ${amount}`;
    this.bar.value = share;
    // Views that need no generator have the rest of the page.
    byId("model").textContent = starts ? "Starting the generator…" : `Generator: ${Math.floor(100 * share)}%`;
  }
}
