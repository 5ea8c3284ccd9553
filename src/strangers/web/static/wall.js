/**
 * An endless wall of faces, of all seeds or of the best faces: only those near the screen are in the document, and
 * few others in memory.
 */
import { h, paint } from "./dom.js";
import { SEEDS } from "./seeds.js";

/** @import {Page} from "./page.js" */

const MIN_CELL_PX = 72; // so that a thumb can hit it
const MAX_CELL_PX = 112;
const BATCH_FACES = 32; // in one request: drawn in well under a tenth of a second
const MAX_FACES = 1500; // in memory
const SCREENS_AHEAD = 0.75;
const ROWS_BELOW = 8; // so that there is something to scroll to
const RETRY_MS = 2000;

export class Wall {
  /**
   * @param {Page} page
   * @param {(seed: string) => void} choose Called when a face is clicked.
   */
  constructor(page, choose) {
    this.page = page;
    this.choose = choose;
    this.start = 0n;
    this.truncation = 1;
    /** @type {string[]} */
    this.found = []; // the seeds of the best faces so far
    this.next = 0n; // the seed to look at next for them
    this.active = 0; // the position that the keyboard is at
    /** @type {string | null} */
    this.chosen = null;
    /** @type {Map<number, Cell>} */
    this.cells = new Map(); // by position
    /** @type {Map<string, ImageData>} */
    this.faces = new Map(); // by seed, the oldest first
    this.columns = 1;
    this.width = 0;
    this.side = 0; // of a cell, in pixels
    this.fetching = false;
    /** @type {number | null} */
    this.frame = null;
    const name = "Wall of faces; use the arrow keys to move";
    this.element = h("div", { class: "wall", role: "group", "aria-label": name });
    this.element.addEventListener("keydown", (event) => this.#moveByKey(event));
    new ResizeObserver(() => this.layOut()).observe(this.element);
    window.addEventListener("scroll", () => this.#renderSoon(), { passive: true });
  }

  /**
   * Start again at a seed, or with another truncation.
   *
   * @param {bigint} start
   */
  reset(start, truncation = this.truncation) {
    if (truncation !== this.truncation) this.faces.clear();
    this.start = this.next = start;
    this.truncation = truncation;
    this.found = [];
    this.active = 0;
    this.#clear();
    this.layOut();
  }

  /** Fit the columns to the width. */
  layOut() {
    const width = this.element.clientWidth;
    if (width === 0) return;
    const wanted = Math.min(Math.max(this.page.model.size, MIN_CELL_PX), MAX_CELL_PX);
    const columns = Math.max(3, Math.floor(width / wanted));
    if (columns !== this.columns || width !== this.width) this.#clear();
    this.columns = columns;
    this.width = width;
    this.side = width / columns;
    this.render();
  }

  render() {
    if (!this.side || !this.element.isConnected) return;
    const { first, end, middle, wanted } = this.#visiblePositions();
    for (const position of this.cells.keys()) {
      if (position < first || position >= end) this.#remove(position);
    }
    const missing = [];
    for (let position = first; position < end; position++) {
      const cell = this.cells.get(position) ?? this.#add(position);
      const face = this.faces.get(this.#seed(position));
      if (!face) missing.push(position);
      else if (!cell.button.dataset.seen) cell.show(face);
    }
    const isShort = this.page.showsBest && end < wanted && this.next < SEEDS;
    this.#work(
      missing.sort((a, b) => Math.abs(a - middle) - Math.abs(b - middle)),
      isShort,
    );
  }

  /**
   * Mark the chosen face.
   *
   * @param {string | null} seed
   */
  mark(seed) {
    this.chosen = seed;
    for (const [position, cell] of this.cells) cell.mark(this.#seed(position) === seed);
  }

  /** The seed of the face that has the focus. */
  get focused() {
    const found = [...this.cells].find(([, { button }]) => button === document.activeElement);
    return found ? this.#seed(found[0]) : null;
  }

  /** The positions on and near the screen, and the one in its middle, where people look. */
  #visiblePositions() {
    const screen = window.innerHeight;
    const top = -this.element.getBoundingClientRect().top;
    const first = Math.max(0, Math.floor((top - screen * SCREENS_AHEAD) / this.side)) * this.columns;
    const wanted = Math.max(1, Math.ceil((top + screen * (1 + SCREENS_AHEAD)) / this.side)) * this.columns;
    const left = this.page.showsBest ? BigInt(this.found.length) : SEEDS - this.start;
    const end = left < BigInt(wanted) ? Number(left) : wanted;
    const isLast = end < wanted && (!this.page.showsBest || this.next === SEEDS);
    const rows = isLast ? Math.ceil(end / this.columns) : wanted / this.columns + ROWS_BELOW;
    this.element.style.height = `${rows * this.side}px`;
    return { first, end, middle: ((top + screen / 2) / this.side) * this.columns, wanted };
  }

  /** @param {number} position */
  #seed(position) {
    return this.page.showsBest ? this.found[position] : String(this.start + BigInt(position));
  }

  /** @param {number} position */
  #add(position) {
    const seed = this.#seed(position);
    const cell = new Cell(seed, this.page.model.size, () => this.#activate(position, true));
    cell.mark(seed === this.chosen);
    cell.button.tabIndex = position === this.active ? 0 : -1;
    cell.place(position % this.columns, Math.floor(position / this.columns), this.side);
    const later = [...this.cells.keys()].filter((other) => other > position);
    const next = this.cells.get(Math.min(...later))?.button ?? null;
    this.element.insertBefore(cell.button, next); // in the order of seeds, as it is read aloud
    this.cells.set(position, cell);
    return cell;
  }

  /** @param {number} position */
  #remove(position) {
    const cell = this.cells.get(position);
    if (!cell || cell.button === document.activeElement) return;
    cell.button.remove();
    this.cells.delete(position);
  }

  #clear() {
    this.cells.clear();
    this.element.replaceChildren();
  }

  /**
   * One request at a time; what is near the screen when it returns comes next.
   *
   * @param {number[]} missing Positions without a picture, the most wanted first.
   * @param {boolean} isShort More of the best faces are wanted than were found.
   */
  async #work(missing, isShort) {
    if (this.fetching || (missing.length === 0 && !isShort)) return;
    this.fetching = true;
    const { start } = this;
    try {
      await (missing.length ? this.#fetch(missing) : this.#search());
    } catch (error) {
      this.page.fail(error);
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
    this.fetching = false;
    if (this.element.isConnected || start !== this.start) this.render();
  }

  /** @param {number[]} missing */
  async #fetch(missing) {
    const { truncation } = this;
    const batch = missing.slice(0, BATCH_FACES).sort((a, b) => a - b);
    const seeds = batch.map((position) => this.#seed(position));
    const faces = await this.page.source.faces({ seeds, truncation });
    if (truncation === this.truncation) seeds.forEach((seed, i) => this.#keep(seed, faces[i]));
  }

  /** Look for more of the best faces. */
  async #search() {
    const { found, next, truncation } = this;
    const end = next + BigInt(BATCH_FACES) < SEEDS ? next + BigInt(BATCH_FACES) : SEEDS;
    const seeds = Array.from({ length: Number(end - next) }, (_, i) => String(next + BigInt(i)));
    const faces = await this.page.source.best(seeds, truncation);
    if (found !== this.found) return; // the wall was reset meanwhile
    this.next = end;
    for (const [i, face] of faces.entries()) {
      if (!face) continue;
      found.push(seeds[i]);
      this.#keep(seeds[i], face);
    }
    if (end === SEEDS && found.length === 0) this.page.notify("No face is left here. Choose All faces.");
  }

  /**
   * @param {string} seed
   * @param {ImageData} face
   */
  #keep(seed, face) {
    this.faces.set(seed, face);
    for (const old of this.faces.keys()) {
      if (this.faces.size <= MAX_FACES) break;
      this.faces.delete(old);
    }
  }

  /**
   * @param {number} position
   * @param {boolean} chosen
   */
  #activate(position, chosen) {
    const cell = this.cells.get(position);
    if (!cell) return;
    const old = this.cells.get(this.active);
    if (old) old.button.tabIndex = -1;
    this.active = position;
    cell.button.tabIndex = 0;
    cell.button.focus({ preventScroll: chosen });
    if (chosen) this.choose(this.#seed(position));
  }

  /** @param {KeyboardEvent} event */
  #moveByKey(event) {
    /** @type {{[key: string]: number}} */
    const steps = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: this.columns, ArrowUp: -this.columns };
    const step = steps[event.key];
    if (step === undefined) return;
    event.preventDefault();
    const next = this.active + step;
    if (next < 0 || (!this.page.showsBest && this.start + BigInt(next) >= SEEDS)) return;
    if (!this.cells.has(next)) this.render();
    this.#activate(next, false);
  }

  #renderSoon() {
    this.frame ??= requestAnimationFrame(() => {
      this.frame = null;
      this.render();
    });
  }
}

class Cell {
  /**
   * @param {string} seed
   * @param {number} size
   * @param {() => void} choose
   */
  constructor(seed, size, choose) {
    this.canvas = h("canvas", { width: size, height: size });
    const caption = h("span", { "aria-hidden": "true" }, seed);
    const attributes = { type: "button", class: "face", "aria-label": `Face ${seed}`, onclick: choose };
    this.button = h("button", attributes, this.canvas, caption);
  }

  /**
   * @param {number} column
   * @param {number} row
   * @param {number} side
   */
  place(column, row, side) {
    const { style } = this.button;
    style.left = `${column * side}px`;
    style.top = `${row * side}px`;
    style.width = style.height = `${side}px`;
  }

  /** @param {ImageData} face */
  show(face) {
    paint(this.canvas, face);
    this.button.dataset.seen = "yes";
  }

  /** @param {boolean} chosen */
  mark(chosen) {
    this.button.setAttribute("aria-pressed", String(chosen));
  }
}
