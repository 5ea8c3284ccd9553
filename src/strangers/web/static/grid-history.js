/** The same faces over a training: a grid under a time slider, and a filmstrip. */
import { context2d, h } from "./dom.js";
import { count } from "./numbers.js";

/** @import {ServerSource} from "./source.js" */

const GRID_SEEDS = "Seeds 0 to 63";
const COLUMNS = 8; // of a grid
const GAP = 2; // px between its faces
const FRAMES = 10; // of the filmstrip
const FACES = 4; // in each frame

/** The grid of the same faces at each interval, under a time slider. */
export class GridHistory {
  /**
   * @param {ServerSource} source
   * @param {string} run
   * @param {string} title
   */
  constructor(source, run, title) {
    this.source = source;
    this.run = run;
    /** @type {string[]} */
    this.samples = [];
    /** @type {string | null} */
    this.shown = null;
    /** @type {string[]} */
    this.framed = []; // the samples in the filmstrip
    this.film = h("canvas", { class: "film", role: "img", hidden: true });
    this.film.addEventListener("click", (event) => this.#go(event));
    this.image = h("img", { alt: "", decoding: "async" });
    const name = `Time in ${title}`;
    this.time = h("input", { type: "range", min: 0, max: 0, step: 1, value: 0, "aria-label": name });
    this.caption = h("figcaption");
    this.element = h(
      "figure",
      { class: "history", hidden: true },
      this.image,
      this.film,
      this.time,
      this.caption,
    );
    this.time.addEventListener("input", () => this.#show());
  }

  /** @param {string[]} samples */
  async update(samples) {
    const wasLast = this.time.valueAsNumber >= this.samples.length - 1;
    this.samples = samples;
    this.element.hidden = samples.length === 0;
    this.time.max = String(Math.max(0, samples.length - 1));
    if (wasLast) this.time.value = this.time.max;
    await this.#show();
    await this.#drawFilm().catch(() => {}); // a grid may have been pruned; the next update tries again
  }

  /** Draw the first faces of the grid at intervals, one column for each. */
  async #drawFilm() {
    const { samples } = this;
    const frames = Math.min(FRAMES, samples.length);
    const framed = Array.from(
      { length: frames },
      (_, i) => samples[Math.round((i * (samples.length - 1)) / Math.max(1, frames - 1))],
    );
    if (frames < 2 || String(framed) === String(this.framed)) return;
    const grids = await Promise.all(
      framed.map(async (sample) => createImageBitmap(await this.source.grid(this.run, sample))),
    );
    const [{ width }] = grids;
    const pitch = Math.floor((width + GAP) / COLUMNS); // of a face and the gap after it
    const size = pitch - GAP;
    this.film.width = frames * size;
    this.film.height = FACES * size;
    const context = context2d(this.film);
    for (const [column, grid] of grids.entries()) {
      for (let face = 0; face < FACES; face++) {
        const from = /** @type {const} */ ([face * pitch, 0, size, size]);
        context.drawImage(grid, ...from, column * size, face * size, size, size);
      }
      grid.close();
    }
    this.framed = framed;
    this.film.hidden = false;
    const images = framed.map((sample) => imagesOf(sample)).join(", ");
    this.film.setAttribute("aria-label", `Seeds 0 to ${FACES - 1} after ${images} images`);
  }

  /**
   * Go to the time that was clicked in the filmstrip.
   *
   * @param {MouseEvent} event
   */
  #go(event) {
    const column = Math.floor((event.offsetX / this.film.clientWidth) * this.framed.length);
    const at = this.samples.indexOf(this.framed[column]);
    if (at < 0) return;
    this.time.value = String(at);
    this.#show();
  }

  async #show() {
    const sample = this.samples[this.time.valueAsNumber];
    if (!sample || sample === this.shown) return;
    this.shown = sample;
    const label = `${GRID_SEEDS} after ${imagesOf(sample)} images`;
    this.time.setAttribute("aria-valuetext", label);
    this.caption.textContent = label;
    const blob = await this.source.grid(this.run, sample).catch(() => null); // it may have been pruned
    if (!blob || this.shown !== sample) return;
    URL.revokeObjectURL(this.image.src);
    this.image.src = URL.createObjectURL(blob);
    this.image.alt = label;
  }
}

/** @param {string} sample The name of a grid, in thousands of images. */
function imagesOf(sample) {
  return count(parseInt(sample, 10) * 1000);
}
