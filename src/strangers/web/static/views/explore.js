/** Explore: edit the current face along attributes, over the plane of three faces, along a walk, and among similar faces. */
import { Attributes } from "../attributes.js";
import { button, h } from "../dom.js";
import { Plane } from "../plane.js";
import { Portrait, compareButton } from "../portrait.js";
import { SimilarFaces } from "../similar.js";
import { Strip } from "../strip.js";
import { Walk } from "../walk.js";

/** @import {FaceEditor} from "../face-editor.js" */
/** @import {Page, View} from "../page.js" */

/**
 * @param {Page} page
 * @returns {View}
 */
export function build(page) {
  const { editor } = page;
  const undo = button("Undo", () => editor.undo(), { title: "Ctrl+Z" });
  const redo = button("Redo", () => editor.redo(), { title: "Ctrl+Shift+Z" });
  const reset = button("Reset", () => editor.reset());
  const random = () => void page.attempt(() => page.randomSeed().then((seed) => editor.choose(seed)));
  const surprise = button("Random", random, { title: "R" });
  const portrait = new Portrait(page, [undo, redo, reset, surprise]);
  const compare = compareButton(portrait);
  reset.after(compare);
  const attributes = new Attributes(editor);
  const plane = new Plane(page);
  const walk = new Walk(page, plane);
  const similar = new SimilarFaces(page);
  const update = () => {
    undo.disabled = !editor.canUndo;
    redo.disabled = editor.future.length === 0;
    reset.disabled = compare.disabled = !editor.isEdited;
  };
  editor.addEventListener("change", update);
  update();
  const keys = (/** @type {KeyboardEvent} */ event) => undoByKey(editor, event);
  return {
    element: h(
      "div",
      { class: "explore" },
      h("h1", { class: "visually-hidden" }, "Explore"),
      new Strip(page).element,
      h("aside", { "aria-label": "Current face" }, portrait.element),
      h("div", { class: "column" }, attributes.element, walk.element),
      h("div", { class: "column" }, plane.element, similar.element),
    ),
    show: () => {
      window.addEventListener("keydown", keys);
      for (const part of [portrait, plane, walk]) part.update();
      similar.show();
    },
    random,
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
  const isText = event.target instanceof HTMLInputElement && event.target.type !== "range";
  if (!isUndo || isText) return;
  event.preventDefault();
  if (event.shiftKey) editor.redo();
  else editor.undo();
}
