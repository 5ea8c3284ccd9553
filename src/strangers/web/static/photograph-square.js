/** The part of a photograph that the model sees: a square over it, to drag, resize and turn. */
import { context2d, h } from "./dom.js";

/** @import {SeenPhotograph, Square} from "./source.js" */

const MAX_CANVAS_PX = 1024;
const MIN_SIDE_PX = 8;
const KEY_STEP = 0.02; // of the side
const KEY_TURN = Math.PI / 90;
const KEY_PAUSE_MS = 500;
const NAME = "The part that the model sees: arrow keys move it, + and - resize it, [ and ] turn it";

export class PhotographSquare {
  /** @param {(square: Square) => void} onchange Called when the visitor has moved the square. */
  constructor(onchange) {
    this.onchange = onchange;
    this.canvas = h("canvas", { role: "img", "aria-label": "The photograph" });
    this.handle = h("span", { class: "square-handle", title: "Resize and turn" });
    this.box = h(
      "div",
      { class: "square", role: "application", tabindex: 0, "aria-label": NAME },
      this.handle,
    );
    this.element = h("div", { class: "square-place" }, this.canvas, this.box);
    this.width = this.height = 1;
    this.center = { x: 0, y: 0 };
    this.side = 1;
    this.angle = 0;
    this.#listenToPointer();
    this.#listenToKeys();
  }

  /** @param {ImageBitmap} bitmap */
  paint(bitmap) {
    const scale = Math.min(1, MAX_CANVAS_PX / Math.max(bitmap.width, bitmap.height));
    this.canvas.width = Math.max(1, Math.round(bitmap.width * scale));
    this.canvas.height = Math.max(1, Math.round(bitmap.height * scale));
    context2d(this.canvas).drawImage(bitmap, 0, 0, this.canvas.width, this.canvas.height);
  }

  /** @param {SeenPhotograph} photograph */
  show({ width, height, square: [left, top, right, upper] }) {
    this.width = width;
    this.height = height;
    this.side = Math.hypot(right - left, upper - top);
    this.angle = Math.atan2(upper - top, right - left);
    const down = { x: -(upper - top), y: right - left };
    this.center = { x: (left + right + down.x) / 2, y: (top + upper + down.y) / 2 };
    this.#place();
  }

  /** @returns {Square} */
  get square() {
    const along = { x: (this.side / 2) * Math.cos(this.angle), y: (this.side / 2) * Math.sin(this.angle) };
    const { x, y } = this.center;
    return [x - along.x + along.y, y - along.y - along.x, x + along.x + along.y, y + along.y - along.x];
  }

  #place() {
    const { style } = this.box;
    style.width = `${(100 * this.side) / this.width}%`;
    style.left = `${(100 * (this.center.x - this.side / 2)) / this.width}%`;
    style.top = `${(100 * (this.center.y - this.side / 2)) / this.height}%`;
    style.transform = `rotate(${this.angle}rad)`;
  }

  /**
   * Keep the center in the photograph, and the side within what the server takes.
   *
   * @param {{x?: number, y?: number, side?: number, angle?: number}} change
   */
  #change({ x = this.center.x, y = this.center.y, side = this.side, angle = this.angle }) {
    const within = (/** @type {number} */ value, /** @type {number} */ low, /** @type {number} */ high) =>
      Math.min(Math.max(value, low), high);
    this.center = { x: within(x, 0, this.width), y: within(y, 0, this.height) };
    this.side = within(side, MIN_SIDE_PX, 2 * Math.max(this.width, this.height));
    this.angle = angle;
    this.#place();
  }

  #listenToPointer() {
    this.box.addEventListener("pointerdown", (down) => {
      if (down.button !== 0) return;
      down.preventDefault();
      this.box.focus();
      this.box.setPointerCapture(down.pointerId);
      const resizes = down.target === this.handle;
      const start = this.#at(down);
      const { x, y } = this.center;
      const [left, top] = this.square;
      const grip = { x: 2 * x - left - start.x, y: 2 * y - top - start.y }; // from the pointer to the corner
      const move = (/** @type {PointerEvent} */ event) => {
        const now = this.#at(event);
        if (resizes) this.#stretch({ x: now.x + grip.x, y: now.y + grip.y });
        else this.#change({ x: x + now.x - start.x, y: y + now.y - start.y });
      };
      const before = String(this.square);
      const end = () => {
        this.box.removeEventListener("pointermove", move);
        if (String(this.square) !== before) this.onchange(this.square);
      };
      this.box.addEventListener("pointermove", move);
      this.box.addEventListener("lostpointercapture", end, { once: true });
    });
  }

  /**
   * Resize and turn the square so that its lower right corner lies at a point.
   *
   * @param {{x: number, y: number}} point
   */
  #stretch({ x, y }) {
    const across = { x: x - this.center.x, y: y - this.center.y };
    const side = Math.SQRT2 * Math.hypot(across.x, across.y);
    this.#change({ side, angle: Math.atan2(across.y, across.x) - Math.PI / 4 });
  }

  /**
   * The point of the photograph under the pointer.
   *
   * @param {PointerEvent} event
   */
  #at(event) {
    const place = this.canvas.getBoundingClientRect();
    return {
      x: ((event.clientX - place.x) / place.width) * this.width,
      y: ((event.clientY - place.y) / place.height) * this.height,
    };
  }

  #listenToKeys() {
    let pause = 0;
    this.box.addEventListener("keydown", (event) => {
      const step = KEY_STEP * this.side;
      const { x, y } = this.center;
      const changes = {
        ArrowLeft: { x: x - step },
        ArrowRight: { x: x + step },
        ArrowUp: { y: y - step },
        ArrowDown: { y: y + step },
        "+": { side: this.side + 2 * step },
        "-": { side: this.side - 2 * step },
        "[": { angle: this.angle - KEY_TURN },
        "]": { angle: this.angle + KEY_TURN },
      };
      if (!(event.key in changes) || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      this.#change(changes[/** @type {keyof typeof changes} */ (event.key)]);
      clearTimeout(pause);
      pause = setTimeout(() => this.onchange(this.square), KEY_PAUSE_MS);
    });
  }
}
