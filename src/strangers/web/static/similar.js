/** Faces near the current one: each is a mix of it with the face of a random seed. */
import { button, h, paint } from "./dom.js";
import { mixFaces } from "./face.js";
import { LatestOnly } from "./latest-only.js";
import { randomSeed } from "./seeds.js";

/** @import {Corner, Face} from "./face.js" */
/** @import {Page} from "./page.js" */

const COUNT = 12;
const WEIGHT = 0.35; // of the other face

export class SimilarFaces {
  /** @param {Page} page */
  constructor(page) {
    this.page = page;
    this.seeds = randomSeeds();
    /** @type {Corner[]} */
    this.others = [];
    /** @type {Face[]} */
    this.faces = [];
    const { size } = page.model;
    this.buttons = Array.from({ length: COUNT }, (_, i) => {
      const canvas = h("canvas", { width: size, height: size });
      return h(
        "button",
        { type: "button", "aria-label": `Similar face ${i + 1}`, onclick: () => this.#choose(i) },
        canvas,
      );
    });
    this.grid = h("div", { class: "similar-grid" }, ...this.buttons);
    this.element = h(
      "section",
      { class: "card similar", "aria-labelledby": "similar-title" },
      h(
        "div",
        { class: "card-title" },
        h("h2", { id: "similar-title" }, "Similar faces"),
        button("Others", () => this.#shuffle()),
      ),
      this.grid,
    );
    this.drawings = new LatestOnly(
      (/** @type {Corner} */ center) => this.#draw(center),
      (faces) => this.#show(faces),
      (error) => page.fail(error),
    );
    page.editor.addEventListener("change", () => this.show());
    page.editor.addEventListener("directions", () => this.show());
  }

  show() {
    if (this.element.isConnected && this.page.editor.isCommitted)
      this.drawings.request(this.page.editor.corner);
  }

  /** @param {Corner} center */
  async #draw(center) {
    if (this.others.length === 0) {
      const latents = await this.page.source.latents(this.seeds);
      this.others = this.seeds.map((seed, i) => ({
        ingredient: { kind: "seed", seed, truncation: 1 },
        latent: latents[i],
      }));
    }
    const { others } = this;
    this.faces = others.map((other, i) => {
      const third = others[(i + 1) % COUNT];
      return mixFaces([center, other, third], [WEIGHT, 0], this.page.model);
    });
    return this.page.source.faces({ latents: this.faces.map(({ base }) => base) });
  }

  /** @param {ImageData[]} pictures */
  #show(pictures) {
    pictures.forEach((picture, i) =>
      paint(/** @type {HTMLCanvasElement} */ (this.buttons[i].firstChild), picture),
    );
    this.grid.dataset.drawn = String(Number(this.grid.dataset.drawn ?? 0) + 1);
  }

  /** @param {number} i */
  #choose(i) {
    if (this.faces[i]) this.page.editor.set(this.faces[i]);
  }

  #shuffle() {
    this.seeds = randomSeeds();
    this.others = [];
    this.show();
  }
}

function randomSeeds() {
  return Array.from({ length: COUNT }, randomSeed);
}
