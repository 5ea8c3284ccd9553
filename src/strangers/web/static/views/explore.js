/** Explore: edit the current face along attributes, over the plane of three faces, and along a walk. */
import { button, h, slider } from "../dom.js";
import { Plane } from "../plane.js";
import { Portrait } from "../portrait.js";
import { Walk } from "../walk.js";

/** @import {Slider} from "../dom.js" */
/** @import {FaceEditor} from "../face-editor.js" */
/** @import {Page, View} from "../page.js" */

const SHOWN_ATTRIBUTES = 8; // the others are behind a summary
const MAX_STRENGTH = 3; // standard deviations of the latents

/**
 * @param {Page} page
 * @returns {View}
 */
export function exploreView(page) {
  const { editor } = page;
  const undo = button("Undo", () => editor.undo(), { title: "Ctrl+Z" });
  const redo = button("Redo", () => editor.redo(), { title: "Ctrl+Shift+Z" });
  const reset = button("Reset", () => editor.reset());
  const portrait = new Portrait(page, [undo, redo, reset]);
  const attributes = new Attributes(editor);
  const plane = new Plane(page);
  const walk = new Walk(page, plane, portrait);
  const update = () => {
    undo.disabled = editor.past.length === 0;
    redo.disabled = editor.future.length === 0;
    reset.disabled = !editor.isEdited;
  };
  editor.addEventListener("change", update);
  update();
  const keys = (/** @type {KeyboardEvent} */ event) => undoByKey(editor, event);
  return {
    element: h(
      "div",
      { class: "explore" },
      h("h1", { class: "visually-hidden" }, "Explore"),
      h("aside", { "aria-label": "Current face" }, portrait.element),
      attributes.element,
      h("section", { class: "card plane", "aria-labelledby": "plane-title" }, plane.element),
      h("section", { class: "card", "aria-labelledby": "walk-title" }, walk.element),
    ),
    show: () => {
      window.addEventListener("keydown", keys);
      plane.show();
    },
    hide: () => {
      window.removeEventListener("keydown", keys);
      walk.stop();
    },
  };
}

/**
 * @param {FaceEditor} editor
 * @param {KeyboardEvent} event
 */
function undoByKey(editor, event) {
  const isUndo = (event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "z";
  const isText = event.target instanceof HTMLInputElement && event.target.type === "text";
  if (!isUndo || isText) return;
  event.preventDefault();
  if (event.shiftKey) editor.redo();
  else editor.undo();
}

/** A slider for each attribute that the model has a direction for. */
class Attributes {
  /** @param {FaceEditor} editor */
  constructor(editor) {
    this.editor = editor;
    this.element = h("section", { class: "card attributes", "aria-labelledby": "attributes-title" });
    /** @type {Map<string, Slider>} */
    this.sliders = new Map();
    editor.addEventListener("change", () => this.#update());
    editor.addEventListener("directions", () => this.#build());
    this.#build();
  }

  #build() {
    const title = h("h2", { id: "attributes-title" }, "Attributes");
    const { state, names } = this.editor.directions;
    if (state !== "ready") return this.element.replaceChildren(title, ...this.#status());
    const made = names.map((name) => this.#add(name));
    const more = made.slice(SHOWN_ATTRIBUTES);
    this.element.replaceChildren(title, ...made.slice(0, SHOWN_ATTRIBUTES));
    if (more.length === 0) return;
    this.element.append(h("details", {}, h("summary", {}, `${more.length} more`), ...more));
  }

  /** @returns {HTMLElement[]} */
  #status() {
    const { state, why, share = 0 } = this.editor.directions;
    if (state === "none") return [h("p", { class: "note" }, why)];
    const text = "Finding attribute directions. The first time, this takes half a minute.";
    return [
      h("p", { class: "note" }, text),
      h("progress", { max: 1, value: share, "aria-label": "Search for attribute directions" }),
    ];
  }

  /** @param {string} name */
  #add(name) {
    const made = slider({
      name: name.replaceAll("_", " "),
      min: -MAX_STRENGTH,
      max: MAX_STRENGTH,
      step: 0.1,
      value: this.editor.current.strengths[name] ?? 0,
      format: (value) => (value > 0 ? "+" : "") + value.toFixed(1),
      changed: (value, done) => this.editor.setStrength(name, value, done),
    });
    this.sliders.set(name, made);
    return made.element;
  }

  #update() {
    for (const [name, made] of this.sliders) made.set(this.editor.current.strengths[name] ?? 0);
  }
}
