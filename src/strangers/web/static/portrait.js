/** The current face, large, with its label and what can be done with it. */
import { button, download, h, paint } from "./dom.js";
import { UserError } from "./errors.js";
import { LatestOnly } from "./latest-only.js";

/** @import {Latent} from "./latent-math.js" */
/** @import {Page} from "./page.js" */

export class Portrait {
  /**
   * @param {Page} page
   * @param {HTMLElement[]} actions Buttons before the portrait's own.
   */
  constructor(page, actions = []) {
    this.page = page;
    const { size } = page.model;
    this.canvas = h("canvas", { class: "portrait-face", role: "img", width: size, height: size });
    this.label = h("p", { class: "portrait-label" });
    this.copyButton = button("Copy link", () => page.attempt(() => this.#copyLink()));
    const save = button("Download PNG", () => page.attempt(() => this.#download()));
    const buttons = h("div", { class: "buttons" }, ...actions, save, this.copyButton);
    const caption = h("figcaption", {}, this.label, buttons);
    this.element = h("figure", { class: "portrait" }, this.canvas, caption);
    this.drawings = new LatestOnly(
      (/** @type {Latent} */ latent) => page.source.faces({ latents: [latent] }),
      ([face]) => {
        this.show(face);
        this.element.dataset.drawn = String(Number(this.element.dataset.drawn ?? 0) + 1);
      },
      (error) => page.fail(error),
    );
    page.editor.addEventListener("change", () => this.#update());
    this.#update();
  }

  /** @param {ImageData} face */
  show(face) {
    paint(this.canvas, face);
  }

  async #download() {
    const { current, hasSeed, latent } = this.page.editor;
    const { seed, truncation } = current;
    const bySeed = hasSeed && seed !== null;
    const blob = await this.page.source.png(bySeed ? { seed, truncation } : { latent });
    download(blob, bySeed ? `face-${seed}.png` : "face-edited.png");
    this.page.announce("Picture saved.");
  }

  async #copyLink() {
    // Browsers offer the clipboard to secure pages alone, which a server in the local network is not.
    if (!navigator.clipboard) throw new UserError("Copy the address of this page: it identifies the face.");
    await navigator.clipboard.writeText(this.page.link());
    this.page.announce("Link copied.");
  }

  #update() {
    const { editor } = this.page;
    if (!editor.face) return;
    this.label.textContent = editor.label;
    this.canvas.setAttribute("aria-label", editor.label);
    this.copyButton.disabled = !editor.hasSeed;
    this.copyButton.title = editor.hasSeed ? "" : "Only faces that have a seed have a link.";
    this.drawings.request(editor.latent);
  }
}
