/** Faces: an endless wall of faces by seed, and the one that was clicked. */
import { button, h, slider } from "../dom.js";
import { Portrait } from "../portrait.js";
import { parseSeed } from "../seeds.js";
import { Wall } from "../wall.js";

/** @import {Slider} from "../dom.js" */
/** @import {Page, View} from "../page.js" */

/**
 * @param {Page} page
 * @returns {View}
 */
export function facesView(page) {
  const { editor } = page;
  const explore = button("Explore", () => page.go("explore"), { class: "first" });
  const portrait = new Portrait(page, page.source.views.includes("explore") ? [explore] : []);
  const wall = new Wall(page, (seed) => page.attempt(() => editor.choose(seed, wall.truncation)));
  wall.truncation = editor.face?.truncation ?? 1;
  wall.mark(editor.face?.seed ?? null);
  const truncation = truncationSlider(page, wall);
  editor.addEventListener("change", () => {
    wall.mark(editor.hasSeed ? editor.current.seed : null);
    if (!editor.hasSeed || editor.current.truncation === wall.truncation) return;
    truncation.set(editor.current.truncation); // a link or an undo has another one
    wall.reset(wall.start, editor.current.truncation);
  });
  const form = seedForm(page, wall);
  form.append(truncation.element);
  const title = h("h1", { class: "visually-hidden" }, "Faces");
  const view = {
    element: h(
      "div",
      { class: "faces" },
      h("div", { class: "faces-wall" }, title, form, wall.element),
      h("aside", { "aria-label": "Current face" }, portrait.element),
    ),
    scroll: 0,
    show: () => requestAnimationFrame(() => wall.layOut()),
    hide: () => (view.scroll = window.scrollY),
  };
  return view;
}

/**
 * The form that takes the wall to a seed.
 *
 * @param {Page} page
 * @param {Wall} wall
 */
function seedForm(page, wall) {
  const field = h("input", {
    inputmode: "numeric",
    size: 9,
    autocomplete: "off",
    "aria-label": "First seed",
    value: "0",
  });
  const begin = (/** @type {bigint} */ seed) => {
    window.scrollTo(0, 0);
    wall.reset(seed);
    page.announce(`Faces from seed ${seed}`);
  };
  const go = (/** @type {Event} */ event) => {
    event.preventDefault();
    page.attempt(() => begin(parseSeed(field.value)));
  };
  const random = () => {
    const [number] = crypto.getRandomValues(new Uint32Array(1));
    field.value = String(number);
    begin(BigInt(number));
  };
  return h(
    "form",
    { class: "toolbar", onsubmit: go },
    h("label", {}, h("span", {}, "From seed"), field),
    h("button", {}, "Go"),
    button("Random", random),
  );
}

/**
 * @param {Page} page
 * @param {Wall} wall
 * @returns {Slider}
 */
function truncationSlider(page, wall) {
  const { editor } = page;
  const redraw = async (/** @type {number} */ value) => {
    wall.reset(wall.start, value);
    if (editor.current.seed !== null) await editor.choose(editor.current.seed, value);
  };
  const made = slider({
    name: "Truncation",
    min: 0.05,
    max: 1,
    step: 0.05,
    value: wall.truncation,
    format: (value) => value.toFixed(2),
    changed: (value, done) => done && page.attempt(() => redraw(value)),
  });
  made.element.title = "Below 1: fewer artifacts, less variety";
  return made;
}
