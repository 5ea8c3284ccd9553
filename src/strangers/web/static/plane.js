/** The plane through three faces: a map of it, and a point on it to drag. */
import { button, context2d, h, paint } from "./dom.js";
import { interpolate } from "./latent-math.js";
import { SEEDS } from "./seeds.js";

/** @import {Latent} from "./latent-math.js" */
/** @import {Page} from "./page.js" */

/** @typedef {[x: number, y: number]} Point A is at (0, 0), B at (1, 0), C at (0, 1). */

const MAP_SIDE = 6; // faces in a row of the map
const KEY_STEP = 0.05; // of the plane's side
const CORNERS = [
  { name: "A", place: "top left" },
  { name: "B", place: "top right" },
  { name: "C", place: "bottom left" },
];
/** @type {{[key: string]: Point}} */
const ARROWS = {
  ArrowLeft: [-KEY_STEP, 0],
  ArrowRight: [KEY_STEP, 0],
  ArrowUp: [0, -KEY_STEP],
  ArrowDown: [0, KEY_STEP],
};

export class Plane {
  /** @param {Page} page */
  constructor(page) {
    this.page = page;
    /** @type {Point} */
    this.point = [0, 0];
    const side = MAP_SIDE * page.model.size;
    this.map = h("canvas", { class: "map", width: side, height: side });
    this.marker = h("div", { class: "point" });
    this.pad = h(
      "div",
      {
        class: "pad",
        role: "slider",
        tabindex: 0,
        "aria-label": "Point on the plane; arrow keys move it",
        "aria-valuenow": 0,
      },
      this.map,
      this.marker,
    );
    this.corners = CORNERS.map(({ name, place }) => new Corner(this, name, place));
    this.element = h(
      "div",
      {},
      h("h2", { id: "plane-title" }, "Plane"),
      h("p", { class: "note" }, "Drag over the plane through three faces."),
      this.pad,
      h("div", { class: "corners" }, ...this.corners.map((corner) => corner.element)),
    );
    this.#listen();
  }

  get ready() {
    return this.corners.every((corner) => corner.latent !== null);
  }

  /** The latents at the corners, once `ready`. */
  get latents() {
    return this.corners.flatMap((corner) => corner.latent ?? []);
  }

  show() {
    if (!this.ready) this.page.attempt(() => this.#begin());
  }

  async drawMap() {
    const { size } = this.page.model;
    const cells = Array.from({ length: MAP_SIDE ** 2 }, (_, i) => [i % MAP_SIDE, Math.floor(i / MAP_SIDE)]);
    const inside = cells.map(([x, y]) => this.#latentAt([x / (MAP_SIDE - 1), y / (MAP_SIDE - 1)]));
    const faces = await this.page.source.faces({ latents: [...inside, ...this.latents] });
    const context = context2d(this.map);
    cells.forEach(([x, y], i) => context.putImageData(faces[i], x * size, y * size));
    this.corners.forEach((corner, which) => paint(corner.canvas, faces[cells.length + which]));
    this.pad.dataset.drawn = "yes";
  }

  /** With the current face at A and the next two seeds at B and C, until the visitor chooses others. */
  async #begin() {
    const { editor, source } = this.page;
    const near = BigInt(editor.current.seed ?? 0);
    const others = [near + 1n, near + 2n].map((seed) => String(seed < SEEDS ? seed : seed - 3n));
    const latents = await source.latents(others);
    this.corners[0].set(editor.latent, editor.label);
    others.forEach((seed, i) => this.corners[i + 1].set(latents[i], `Face ${seed}`));
    this.#placeMarker();
    await this.drawMap();
  }

  /** @param {Point} point */
  #latentAt([x, y]) {
    return interpolate(this.latents, [1 - x - y, x, y], this.page.model.latent);
  }

  /**
   * @param {Point} point
   * @param {boolean} committed
   */
  #move([x, y], committed) {
    this.point = [Math.min(1, Math.max(0, x)), Math.min(1, Math.max(0, y))];
    this.#placeMarker();
    this.page.editor.setLatent(this.#latentAt(this.point), "Between A, B and C", committed);
  }

  #placeMarker() {
    const [x, y] = this.point;
    const percent = (/** @type {number} */ value) => Math.round(100 * value);
    this.marker.style.left = `${100 * (0.5 / MAP_SIDE + x * (1 - 1 / MAP_SIDE))}%`;
    this.marker.style.top = `${100 * (0.5 / MAP_SIDE + y * (1 - 1 / MAP_SIDE))}%`;
    this.pad.setAttribute("aria-valuenow", String(percent(x)));
    this.pad.setAttribute("aria-valuetext", `${percent(x)}% toward B, ${percent(y)}% toward C`);
  }

  #listen() {
    const { pad } = this;
    pad.addEventListener("pointerdown", (event) => {
      if (event.button !== 0 || !this.ready) return;
      pad.setPointerCapture(event.pointerId);
      this.#drag(event, false);
    });
    for (const [name, committed] of /** @type {const} */ ([
      ["pointermove", false],
      ["pointerup", true],
    ])) {
      pad.addEventListener(name, (event) => {
        if (pad.hasPointerCapture(event.pointerId)) this.#drag(event, committed);
      });
    }
    pad.addEventListener("keydown", (event) => {
      const step = ARROWS[event.key];
      if (!step || !this.ready) return;
      event.preventDefault();
      this.#move([this.point[0] + step[0], this.point[1] + step[1]], true);
    });
  }

  /**
   * @param {PointerEvent} event
   * @param {boolean} committed
   */
  #drag(event, committed) {
    const box = this.pad.getBoundingClientRect();
    const inside = (/** @type {number} */ share) => (share - 0.5 / MAP_SIDE) / (1 - 1 / MAP_SIDE);
    const x = inside((event.clientX - box.left) / box.width);
    const y = inside((event.clientY - box.top) / box.height);
    this.#move([x, y], committed);
  }
}

class Corner {
  /**
   * @param {Plane} plane
   * @param {string} name
   * @param {string} place
   */
  constructor(plane, name, place) {
    const { editor, model } = plane.page;
    /** @type {Latent | null} */
    this.latent = null;
    this.canvas = h("canvas", { width: model.size, height: model.size, role: "img" });
    this.text = h("span");
    const use = button(
      "Use current",
      () => {
        this.set(editor.latent, editor.label);
        plane.page.attempt(() => plane.drawMap());
        plane.page.announce(`${editor.label} is at ${name}.`);
      },
      { "aria-label": `Put the current face at ${name}` },
    );
    const caption = h("div", {}, h("b", { title: place }, name), " ", this.text, use);
    this.element = h("div", { class: "corner" }, this.canvas, caption);
  }

  /**
   * @param {Latent} latent
   * @param {string} label
   */
  set(latent, label) {
    this.latent = latent;
    this.text.textContent = label;
    this.canvas.setAttribute("aria-label", label);
  }
}
