/** A wall of faces without end: only those near the screen are there, and few are kept besides. */
import { h, paint } from "./elements.js";

const LAST_SEED = 2n ** 64n - 1n;
const AT_ONCE = 32; // faces in one request: drawn in well under a tenth of a second
const KEPT = 1500; // faces in memory
const AHEAD = 0.75; // screens drawn before they are seen

export class Wall {
  /** choose(seed) when a face is clicked. */
  constructor(page, choose) {
    this.page = page;
    this.choose = choose;
    this.start = 0n;
    this.truncation = 1;
    this.active = 0;
    this.buttons = new Map(); // by position
    this.faces = new Map(); // by seed, the least recently seen first
    this.columns = 1;
    this.element = h("div", {
      class: "wall",
      role: "group",
      "aria-label": "Wall of faces; arrow keys walk on it",
    });
    this.element.addEventListener("keydown", (event) => this.#walk(event));
    new ResizeObserver(() => this.layOut()).observe(this.element);
    window.addEventListener("scroll", () => this.#soon(), { passive: true });
  }

  /** Begin anew at a seed, or with another truncation. */
  reset(start, truncation = this.truncation) {
    if (truncation !== this.truncation) this.faces.clear();
    this.start = start;
    this.truncation = truncation;
    this.active = 0;
    this.#clear();
    this.layOut();
  }

  /** Fit columns to the width; 64 px and more for each face, so that a thumb can hit it. */
  layOut() {
    const width = this.element.clientWidth;
    if (width === 0) return;
    const wanted = Math.min(Math.max(this.page.model.size, 72), 112);
    const columns = Math.max(3, Math.floor(width / wanted));
    if (columns !== this.columns || width !== this.width) this.#clear();
    this.columns = columns;
    this.width = width;
    this.cell = width / columns;
    this.render();
  }

  render() {
    if (!this.cell || !this.element.isConnected) return;
    const screen = window.innerHeight;
    const seen = -this.element.getBoundingClientRect().top;
    const first = Math.max(0, Math.floor((seen - screen * AHEAD) / this.cell)) * this.columns;
    const wanted = Math.max(1, Math.ceil((seen + screen * (1 + AHEAD)) / this.cell)) * this.columns;
    const left = LAST_SEED - this.start + 1n;
    const end = left < BigInt(wanted) ? Number(left) : wanted;
    const more = end < wanted ? 0 : 8; // rows below, so that there is something to scroll to
    this.element.style.height = `${(Math.ceil(end / this.columns) + more) * this.cell}px`;
    for (const [position, button] of this.buttons) {
      if ((position < first || position >= end) && button !== document.activeElement) this.#remove(position);
    }
    const missing = [];
    for (let position = first; position < end; position++) {
      if (!this.buttons.has(position)) this.#add(position);
      const button = this.buttons.get(position);
      const face = this.faces.get(this.#seed(position));
      if (face && !button.dataset.seen) this.#show(button, face);
      else if (!face) missing.push(position);
    }
    const middle = ((seen + screen / 2) / this.cell) * this.columns; // of the screen, where people look
    this.#fetch(missing.sort((a, b) => Math.abs(a - middle) - Math.abs(b - middle)));
  }

  mark(seed) {
    for (const [position, button] of this.buttons) {
      button.setAttribute("aria-pressed", String(this.#seed(position) === seed));
    }
    this.chosen = seed;
  }

  #seed(position) {
    return String(this.start + BigInt(position));
  }

  #add(position) {
    const seed = this.#seed(position);
    const { size } = this.page.model;
    const canvas = h("canvas", { width: size, height: size });
    const button = h(
      "button",
      {
        type: "button",
        class: "face",
        "aria-label": `Face ${seed}`,
        "aria-pressed": String(seed === this.chosen),
      },
      canvas,
      h("span", { "aria-hidden": "true" }, seed),
    );
    button.tabIndex = position === this.active ? 0 : -1;
    button.addEventListener("click", () => this.#activate(position, true));
    const { style } = button;
    style.left = `${(position % this.columns) * this.cell}px`;
    style.top = `${Math.floor(position / this.columns) * this.cell}px`;
    style.width = style.height = `${this.cell}px`;
    const next = [...this.buttons.keys()].filter((other) => other > position);
    const before = next.length ? this.buttons.get(Math.min(...next)) : null;
    this.element.insertBefore(button, before); // in the order of seeds, as it is read aloud
    this.buttons.set(position, button);
  }

  #remove(position) {
    this.buttons.get(position).remove();
    this.buttons.delete(position);
  }

  #clear() {
    this.buttons.clear();
    this.element.replaceChildren();
  }

  #show(button, face) {
    paint(button.firstChild, face);
    button.dataset.seen = "yes";
  }

  /** One request at a time; what is near the screen when it returns comes next. */
  async #fetch(missing) {
    if (this.fetching || missing.length === 0) return;
    this.fetching = true;
    const { start, truncation } = this;
    const seeds = missing
      .slice(0, AT_ONCE)
      .sort((a, b) => a - b)
      .map((position) => this.#seed(position));
    try {
      const faces = await this.page.source.faces({ seeds, truncation });
      if (truncation === this.truncation) seeds.forEach((seed, i) => this.#keep(seed, faces[i]));
    } catch (error) {
      this.page.fail(error);
      await new Promise((resolve) => setTimeout(resolve, 2000));
    }
    this.fetching = false;
    if (this.element.isConnected || start !== this.start) this.render();
  }

  #keep(seed, face) {
    this.faces.set(seed, face);
    for (const old of this.faces.keys()) {
      if (this.faces.size <= KEPT) break;
      this.faces.delete(old);
    }
  }

  #activate(position, chosen) {
    const old = this.buttons.get(this.active);
    if (old) old.tabIndex = -1;
    this.active = position;
    const button = this.buttons.get(position);
    button.tabIndex = 0;
    button.focus({ preventScroll: chosen });
    if (chosen) this.choose(this.#seed(position));
  }

  #walk(event) {
    const steps = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: this.columns, ArrowUp: -this.columns };
    const step = steps[event.key];
    if (step === undefined) return;
    event.preventDefault();
    const next = this.active + step;
    if (next < 0 || this.start + BigInt(next) > LAST_SEED) return;
    if (!this.buttons.has(next)) this.render();
    if (this.buttons.has(next)) this.#activate(next, false);
  }

  #soon() {
    this.waiting ??= requestAnimationFrame(() => {
      this.waiting = null;
      this.render();
    });
  }
}
