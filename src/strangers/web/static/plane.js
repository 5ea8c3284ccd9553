/** The plane through three faces: a map of it, and a point on it to drag. */
import { button, context2d, h, paint } from "./dom.js";
import { labelOf, mixFaces, sameOrigin } from "./face.js";
import { LatestOnly } from "./latest-only.js";
import { SEEDS } from "./seeds.js";

/** @import {Corner, Origin, Point, SeedOrigin} from "./face.js" */
/** @import {Page} from "./page.js" */

const MAP_SIDE = 6; // faces in a row of the map
const KEY_STEP = 0.05; // of the plane's side
export const NAMES = ["A", "B", "C"];
const PLACES = ["top left", "top right", "bottom left"];
/** @type {Point[]} */
const POINTS = [
  [0, 0],
  [1, 0],
  [0, 1],
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
    /** @type {Corner[]} */
    this.corners = []; // A, B and C
    this.onCorners = () => {};
    this.chosen = false; // whether the visitor chose a corner: the plane then follows no other face
    const side = MAP_SIDE * page.model.size;
    this.map = h("canvas", { class: "map", width: side, height: side });
    this.marker = h("div", { class: "point" });
    const name = "Point on the plane; arrow keys move it";
    const attributes = { class: "pad", role: "slider", tabindex: 0, "aria-label": name, "aria-valuenow": 0 };
    this.pad = h("div", attributes, this.map, this.marker);
    this.cards = NAMES.map((_, which) => this.#makeCard(which));
    this.note = h("p", { class: "note" });
    this.followButton = button("Around the current face", () => this.#followAgain());
    this.element = h(
      "section",
      { class: "card plane", "aria-labelledby": "plane-title" },
      h("div", { class: "card-title" }, h("h2", { id: "plane-title" }, "Plane"), this.followButton),
      this.note,
      this.pad,
      h("div", { class: "corners" }, ...this.cards.map(({ element }) => element)),
    );
    this.drawings = new LatestOnly(
      (/** @type {Corner[]} */ corners) => this.#draw(corners),
      (faces) => this.#show(faces),
      (error) => page.fail(error),
    );
    page.editor.addEventListener("change", () => this.update());
    this.#listen();
  }

  get ready() {
    return this.corners.length === 3;
  }

  /** Follow the current face: as a mix it brings its corners along, else it is at A unless corners were chosen. */
  update() {
    const { editor } = this.page;
    if (!this.element.isConnected || !editor.face) return;
    if (this.ready && this.page.picked.size) this.#setCorners(this.corners);
    const { origin, corners } = editor.face;
    if (origin.kind === "mix") {
      const same =
        this.ready && corners.every((corner, i) => sameOrigin(corner.ingredient, this.corners[i].ingredient));
      if (!same) this.#setCorners(corners);
      return this.#placeMarker(origin.point);
    }
    const at = this.corners.findIndex(({ ingredient }) => sameOrigin(ingredient, origin));
    if (at >= 0) this.#placeMarker(POINTS[at]);
    else if (this.ready && (this.chosen || !editor.isCommitted)) this.#placeMarker(null);
    else this.page.attempt(() => this.#follow(origin));
  }

  /**
   * Put the current face at the first corner that was not picked, and the seeds after it at the others.
   *
   * @param {Exclude<Origin, {kind: "mix"}>} origin
   */
  async #follow(origin) {
    const { editor, picked, source } = this.page;
    const { base } = editor.current;
    const near = origin.kind === "seed" ? BigInt(origin.seed) : 0n;
    const taken = [...picked.values()].map(({ ingredient }) => ingredient);
    /** @type {SeedOrigin[]} */
    const after = Array.from({ length: 2 + taken.length }, (_, i) => ({
      kind: "seed",
      seed: String((near + BigInt(i + 1)) % SEEDS),
      truncation: 1,
    }));
    const free = after.filter((each) => !taken.some((other) => sameOrigin(each, other))).slice(0, 2);
    const latents = await source.latents(free.map(({ seed }) => seed));
    if (editor.current.base !== base) return; // another face was chosen meanwhile
    const current = { ingredient: origin, latent: base };
    /** @type {Corner[]} */
    const others = free.map((ingredient, i) => ({ ingredient, latent: latents[i] }));
    if (!taken.some((each) => sameOrigin(each, origin))) others.unshift(current);
    const corners = NAMES.map((_, which) => picked.get(which) ?? others.shift() ?? current);
    this.#setCorners(corners);
    const at = corners.findIndex(({ ingredient }) => sameOrigin(ingredient, origin));
    this.#placeMarker(POINTS[at] ?? null);
  }

  #followAgain() {
    this.chosen = false;
    const { ingredient, latent } = this.page.editor.corner;
    if (ingredient.kind === "seed") this.page.attempt(() => this.#follow(ingredient));
    else this.page.editor.setLatent(latent, ingredient.label);
  }

  /**
   * Put the current face at a corner.
   *
   * @param {number} which
   */
  #choose(which) {
    if (!this.ready) return;
    const { editor } = this.page;
    const { corner, seed } = editor;
    this.#setCorners(this.corners.with(which, corner), true);
    if (seed) this.#placeMarker(POINTS[which]);
    else editor.setMix(this.corners, POINTS[which], true);
    this.page.announce(`${labelOf(corner.ingredient)} is at ${NAMES[which]}.`);
  }

  /** @param {Corner[]} corners */
  #setCorners(corners, chosen = false) {
    const { picked } = this.page;
    this.chosen = chosen || picked.size > 0;
    this.corners = corners = corners.map((corner, which) => picked.get(which) ?? corner);
    picked.clear();
    const labels = corners.map(({ ingredient }) => labelOf(ingredient));
    this.note.textContent = `Drag over the plane through ${labels[0]}, ${labels[1]} and ${labels[2]}.`;
    labels.forEach((label, which) => {
      this.cards[which].text.textContent = label;
      this.cards[which].canvas.setAttribute("aria-label", label);
    });
    this.onCorners();
    delete this.pad.dataset.drawn;
    this.drawings.request(corners);
  }

  /** @param {Corner[]} corners */
  #draw(corners) {
    const cells = Array.from({ length: MAP_SIDE ** 2 }, (_, i) => [i % MAP_SIDE, Math.floor(i / MAP_SIDE)]);
    const mixes = cells.map(([x, y]) =>
      mixFaces(corners, [x / (MAP_SIDE - 1), y / (MAP_SIDE - 1)], this.page.model),
    );
    const latents = [...mixes.map(({ base }) => base), ...corners.map(({ latent }) => latent)];
    return this.page.source.faces({ latents });
  }

  /** @param {ImageData[]} faces */
  #show(faces) {
    const { size } = this.page.model;
    const context = context2d(this.map);
    for (let i = 0; i < MAP_SIDE ** 2; i++) {
      context.putImageData(faces[i], (i % MAP_SIDE) * size, Math.floor(i / MAP_SIDE) * size);
    }
    this.cards.forEach(({ canvas }, which) => paint(canvas, faces[MAP_SIDE ** 2 + which]));
    this.pad.dataset.drawn = "yes";
  }

  /** @param {number} which */
  #makeCard(which) {
    const { size } = this.page.model;
    const canvas = h("canvas", { width: size, height: size, role: "img", "aria-label": NAMES[which] });
    const text = h("span");
    const name = `Use current face at ${NAMES[which]}`; // begins with what is seen
    const use = button("Use current", () => this.#choose(which), { "aria-label": name });
    const caption = h("div", {}, h("b", { title: PLACES[which] }, NAMES[which]), " ", text, use);
    return { element: h("div", { class: "corner" }, canvas, caption), canvas, text };
  }

  /**
   * @param {Point} point
   * @param {boolean} committed
   */
  #move([x, y], committed) {
    /** @type {Point} */
    const point = [Math.min(1, Math.max(0, x)), Math.min(1, Math.max(0, y))];
    this.page.editor.setMix(this.corners, point, committed);
  }

  /** @param {Point | null} point null if the current face is not on the plane. */
  #placeMarker(point) {
    this.marker.hidden = point === null;
    this.pad.setAttribute("aria-valuetext", "The current face is not on this plane");
    if (point === null) return;
    this.point = point;
    const [x, y] = point;
    const percent = (/** @type {number} */ value) => Math.round(100 * value);
    this.marker.style.left = `${100 * (0.5 / MAP_SIDE + x * (1 - 1 / MAP_SIDE))}%`;
    this.marker.style.top = `${100 * (0.5 / MAP_SIDE + y * (1 - 1 / MAP_SIDE))}%`;
    this.pad.setAttribute("aria-valuenow", String(percent(x)));
    this.pad.setAttribute("aria-valuetext", `${percent(x)}% toward B, ${percent(y)}% toward C`);
  }

  #listen() {
    const { pad } = this;
    const { editor } = this.page;
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
      this.#move([this.point[0] + step[0], this.point[1] + step[1]], false);
    });
    // A drag or a held key is one step to undo.
    for (const name of ["keyup", "blur", "lostpointercapture"]) {
      pad.addEventListener(name, () => {
        if (!editor.isCommitted && editor.face?.origin.kind === "mix") this.#move(this.point, true);
      });
    }
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
