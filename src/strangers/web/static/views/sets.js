/** Sets: the images of prepared sets, and what is known of them. */
import { button, context2d, h } from "../dom.js";
import { LatestOnly } from "../latest-only.js";
import { Slider } from "../slider.js";

/** @import {Page, View} from "../page.js" */
/** @import {PreparedSet, ServerSource} from "../source.js" */

const COLUMNS = 8;
const SHOWN = COLUMNS * COLUMNS;

/**
 * @param {Page} page
 * @returns {View}
 */
export function build(page) {
  const cards = page.sets.map((set) => new SetCard(page, set));
  const title = h("h1", { class: "visually-hidden" }, "Sets");
  const element = h("div", {}, title, h("div", { class: "runs" }, ...cards.map((card) => card.element)));
  return { element, show: () => cards.forEach((card) => card.show()) };
}

/** A set: its facts, and its images under a slider. */
class SetCard {
  /**
   * @param {Page} page
   * @param {PreparedSet} set
   */
  constructor(page, set) {
    const source = /** @type {ServerSource} */ (page.source); // only a server feeds this view
    this.set = set;
    this.first = 0;
    this.last = Math.max(0, Math.ceil(set.count / SHOWN) - 1) * SHOWN;
    const side = COLUMNS * set.size;
    const rows = Math.min(COLUMNS, Math.ceil(set.count / COLUMNS));
    this.canvas = h("canvas", { class: "set-images", role: "img", width: side, height: rows * set.size });
    this.position = new Slider({
      name: "Position",
      min: 0,
      max: this.last,
      step: SHOWN,
      value: 0,
      format: (first) => this.#range(first),
      changed: (first) => this.#go(first),
    });
    this.drawings = new LatestOnly(
      (/** @type {number} */ first) => source.images(set.id, first, SHOWN),
      (images, first) => this.#paint(images, first),
      (error) => page.fail(error),
    );
    const random = () => this.#go(SHOWN * Math.floor(Math.random() * (this.last / SHOWN + 1)));
    const go = (/** @type {number} */ by) => () => this.#go(this.first + by * SHOWN);
    const buttons = [button("Previous", go(-1)), button("Next", go(1)), button("Random", random)];
    const mover = h("div", { hidden: this.last === 0 }, this.position.element);
    mover.append(h("div", { class: "buttons" }, ...buttons));
    this.element = h(
      "article",
      { class: "card run set", "aria-labelledby": `set-${set.id}` },
      h("h2", { id: `set-${set.id}` }, set.title),
      facts(set),
      set.notes.length ? h("ul", { class: "warnings" }, ...set.notes.map((note) => h("li", {}, note))) : null,
      this.canvas,
      mover,
      attributes(set),
    );
  }

  show() {
    this.drawings.request(this.first);
  }

  /** @param {number} first */
  #go(first) {
    this.first = Math.min(this.last, Math.max(0, first));
    this.position.set(this.first);
    this.show();
  }

  /**
   * @param {ImageData[]} images
   * @param {number} first
   */
  #paint(images, first) {
    const { size, title } = this.set;
    const context = context2d(this.canvas);
    context.clearRect(0, 0, this.canvas.width, this.canvas.height);
    images.forEach((image, i) =>
      context.putImageData(image, (i % COLUMNS) * size, Math.floor(i / COLUMNS) * size),
    );
    this.canvas.setAttribute("aria-label", `Images ${this.#range(first)} of ${title}`);
  }

  /** @param {number} first */
  #range(first) {
    return `${first}\u2013${Math.min(first + SHOWN, this.set.count) - 1}`;
  }
}

/** @param {PreparedSet} set */
function facts({ count, size, crop, filter, split, skipped }) {
  const facts = {
    Images: count.toLocaleString("en-US"),
    Size: `${size} px`,
    Crop: crop,
    Filter: filter,
    Split: split,
    Skipped: skipped ? skipped.toLocaleString("en-US") : null,
  };
  const known = Object.entries(facts).filter(([, value]) => value);
  return h(
    "dl",
    { class: "facts" },
    ...known.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))),
  );
}

/** @param {PreparedSet} set */
function attributes({ attributes }) {
  const rows = Object.entries(attributes).sort(([, a], [, b]) => b - a);
  if (rows.length === 0) return null;
  const cells = rows.map(([name, share]) =>
    h(
      "tr",
      {},
      h("th", { scope: "row" }, name.replaceAll("_", " ")),
      h("td", {}, `${(100 * share).toFixed(1)}%`),
    ),
  );
  const table = h("table", {}, h("tbody", {}, ...cells));
  return h("details", { class: "recipe" }, h("summary", {}, "Attributes"), table);
}
