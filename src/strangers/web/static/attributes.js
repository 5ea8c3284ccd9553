/** A slider for each attribute that the model has a direction for. */
import { h } from "./dom.js";
import { MAX_STRENGTH } from "./links.js";
import { Slider } from "./slider.js";

/** @import {FaceEditor} from "./face-editor.js" */

const SHOWN_ATTRIBUTES = 10; // the others are behind a summary
const STEP = 0.1;

/** Attributes that people try first; the others follow in the order of their accuracy. */
const FIRST = [
  "Smiling",
  "Young",
  "Eyeglasses",
  "Male",
  "Blond_Hair",
  "Brown_Hair",
  "Black_Hair",
  "Gray_Hair",
  "Bangs",
  "No_Beard",
  "Mustache",
];

/** Opinions of CelebA's annotators on looks: shown only if asked for. */
const JUDGMENTS = ["Attractive", "Chubby", "Double_Chin", "Big_Lips", "Big_Nose", "Pointy_Nose"];

export class Attributes {
  /** @param {FaceEditor} editor */
  constructor(editor) {
    this.editor = editor;
    this.element = h("section", { class: "card attributes", "aria-labelledby": "attributes-title" });
    /** @type {Map<string, Slider>} */
    this.sliders = new Map();
    /** @type {Map<string, HTMLInputElement>} */
    this.holds = new Map();
    editor.addEventListener("change", () => this.#update());
    editor.addEventListener("directions", () => this.#build());
    this.#build();
  }

  #build() {
    const title = h("h2", { id: "attributes-title" }, "Attributes");
    const { state, names } = this.editor.directions;
    if (state !== "ready") return this.element.replaceChildren(title, ...this.#status());
    const rank = (/** @type {string} */ name) => FIRST.indexOf(name) + 1 || FIRST.length + 1;
    const described = names.filter((name) => !JUDGMENTS.includes(name)).sort((a, b) => rank(a) - rank(b));
    const judgments = names.filter((name) => JUDGMENTS.includes(name));
    this.element.replaceChildren(
      title,
      h("p", { class: "note" }, "Check an attribute to hold it while others move."),
      ...described.slice(0, SHOWN_ATTRIBUTES).map((name) => this.#add(name)),
    );
    const more = described.slice(SHOWN_ATTRIBUTES);
    this.#addGroup(`${more.length} more`, more);
    this.#addGroup(`Judgments of looks (${judgments.length})`, judgments);
    this.#update();
  }

  /** @returns {HTMLElement[]} */
  #status() {
    const { state, reason, progress = 0 } = this.editor.directions;
    if (state === "unavailable") return [h("p", { class: "note" }, reason)];
    const text = "Finding attribute directions. The first time, this takes half a minute.";
    return [
      h("p", { class: "note" }, text),
      h("progress", { max: 1, value: progress, "aria-label": "Search for attribute directions" }),
    ];
  }

  /**
   * @param {string} summary
   * @param {string[]} names
   */
  #addGroup(summary, names) {
    if (names.length === 0) return;
    const made = names.map((name) => this.#add(name));
    this.element.append(h("details", {}, h("summary", {}, summary), ...made));
  }

  /** @param {string} name */
  #add(name) {
    const made = new Slider({
      name: name.replaceAll("_", " "),
      min: -MAX_STRENGTH,
      max: MAX_STRENGTH,
      step: STEP,
      value: this.editor.current.strengths[name] ?? 0,
      neutral: 0,
      format: (value) =>
        (value > 0 ? "+" : "") + Number(value.toFixed(2)).toFixed(Number.isInteger(value * 10) ? 1 : 2),
      changed: (value, done, again) => this.editor.setStrength(name, value, done, again),
    });
    const text = made.element.firstElementChild?.textContent;
    const hold = h("input", {
      type: "checkbox",
      "aria-label": `Hold ${text}`,
      title: "Hold while others move",
    });
    hold.addEventListener("change", () => this.editor.setHeld(name, hold.checked));
    made.element.prepend(hold);
    this.sliders.set(name, made);
    this.holds.set(name, hold);
    return made.element;
  }

  #update() {
    const { held = [] } = this.editor.current;
    for (const [name, hold] of this.holds) hold.checked = held.includes(name);
    for (const [name, made] of this.sliders) made.set(this.editor.current.strengths[name] ?? 0);
  }
}
