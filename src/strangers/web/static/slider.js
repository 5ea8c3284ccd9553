/** A slider with its name and its value, which can be typed where there is a neutral one. */
import { h } from "./dom.js";

/**
 * @typedef {object} SliderOptions
 * @property {string} name
 * @property {number} min
 * @property {number} max
 * @property {number} step
 * @property {number} value
 * @property {number} [neutral] The bar begins here, and a double click returns to it; the value can be typed.
 * @property {(value: number) => string} format
 * @property {(value: number, done: boolean, again: boolean) => void} changed Called while (done: false) and after it
 *   is moved. again: in place of what the first click of the same double click reported as done.
 */

export class Slider {
  /** @param {SliderOptions} options */
  constructor(options) {
    this.options = options;
    const { name, min, max, step, neutral } = options;
    this.input = h("input", { type: "range", min, max, step, "aria-label": name });
    this.field =
      neutral === undefined
        ? h("output")
        : h("input", { inputmode: "decimal", autocomplete: "off", "aria-label": `${name}, as a number` });
    this.element = h("div", { class: "slider" }, h("span", {}, name), this.input, this.field);
    this.value = options.value;
    this.keyHeld = false;
    this.unfinished = false;
    this.clicks = 0; // of the mouse, as part of one double click
    this.before = options.value; // the first of them
    this.moved = false; // by one of them
    this.#listen();
    this.set(options.value);
  }

  /**
   * Show a value, without a report of it.
   *
   * @param {number} value
   */
  set(value) {
    this.value = value;
    this.input.valueAsNumber = value; // rounded to a step
    const { min, max, neutral = min, format } = this.options;
    const text = format(value);
    if (this.field instanceof HTMLInputElement) this.field.value = text;
    else this.field.textContent = text;
    this.input.setAttribute("aria-valuetext", text);
    const share = (/** @type {number} */ at) => String((at - min) / (max - min));
    this.input.style.setProperty("--low", share(Math.min(value, neutral)));
    this.input.style.setProperty("--high", share(Math.max(value, neutral)));
  }

  #listen() {
    const { input, field } = this;
    input.addEventListener("input", () => this.#report(input.valueAsNumber, false));
    input.addEventListener("change", () => {
      if (this.keyHeld) this.unfinished = true;
      else this.#report(input.valueAsNumber, true);
    });
    // A held key reports "change" at every step, and is one change all the same.
    input.addEventListener("keydown", () => (this.keyHeld = true));
    for (const name of ["keyup", "blur"]) input.addEventListener(name, () => this.#release());
    const { neutral } = this.options;
    if (neutral === undefined) return;
    input.addEventListener("mousedown", ({ detail: clicks }) => {
      this.clicks = clicks;
      if (clicks === 1) [this.before, this.moved] = [this.value, false];
    });
    input.addEventListener("dblclick", () => {
      this.#report(neutral, true);
      this.clicks = 0;
    });
    field.addEventListener("change", () => this.#type());
  }

  #release() {
    this.keyHeld = false;
    if (this.unfinished) this.#report(this.input.valueAsNumber, true);
  }

  #type() {
    if (!(this.field instanceof HTMLInputElement)) return;
    const { min, max } = this.options;
    const text = this.field.value.replace("\u2212", "-").replace(",", ".");
    const typed = Number(text.trim() || NaN);
    if (Number.isNaN(typed)) this.set(this.value);
    else this.#report(Number(Math.min(max, Math.max(min, typed)).toFixed(2)), true);
  }

  /**
   * @param {number} value
   * @param {boolean} done
   */
  #report(value, done) {
    this.unfinished = false;
    this.set(value);
    const again = done && this.clicks > 1 && this.moved;
    if (done && value !== this.before) this.moved = true;
    this.options.changed(value, done, again);
  }
}
