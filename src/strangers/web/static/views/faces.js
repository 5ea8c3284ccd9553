/** Faces: an endless wall of faces by seed, and the one that was clicked. */
import { button, h } from "../dom.js";
import { MIN_TRUNCATION } from "../links.js";
import { NAMES } from "../plane.js";
import { Portrait } from "../portrait.js";
import { parseSeed } from "../seeds.js";
import { Slider } from "../slider.js";
import { Strip } from "../strip.js";
import { Wall } from "../wall.js";

/** @import {Page, View} from "../page.js" */

const FAVORITE = "F"; // the key

/**
 * @param {Page} page
 * @returns {View}
 */
export function build(page) {
  const { editor } = page;
  const explore = button("Explore", () => page.go("explore"), { class: "first" });
  const pick = (/** @type {number} */ which) => {
    page.picked.set(which, editor.corner);
    page.notify(`${editor.label} is at ${NAMES[which]} of the plane in Explore.`);
  };
  const corners = NAMES.map((name, which) =>
    button(name, () => pick(which), { class: "pick", "aria-label": `Put this face at ${name} of the plane` }),
  );
  const portrait = new Portrait(page, [explore, ...corners]);
  const wall = new Wall(page, (seed) => page.attempt(() => editor.choose(seed, wall.truncation)));
  wall.truncation = editor.seed?.truncation ?? 1;
  wall.mark(editor.seed?.seed ?? null);
  wall.element.addEventListener("keydown", ({ key, ctrlKey, metaKey, altKey }) => {
    const letter = key.toUpperCase();
    const seed = wall.focused;
    if (![...NAMES, FAVORITE].includes(letter) || seed === null || ctrlKey || metaKey || altKey) return;
    const use = () => (letter === FAVORITE ? portrait.toggleFavorite() : pick(NAMES.indexOf(letter)));
    page.attempt(() => editor.choose(seed, wall.truncation).then(use));
  });
  const truncation = truncationSlider(page, wall);
  editor.addEventListener("change", () => {
    const { seed } = editor;
    wall.mark(seed?.seed ?? null);
    if (!seed || seed.truncation === wall.truncation) return;
    truncation.set(seed.truncation); // a link or an undo has another one
    wall.reset(wall.start, seed.truncation);
  });
  const { form, random } = seedForm(page, wall);
  form.append(wallChoice(page), truncation.element);
  page.addEventListener("wall", () => wall.reset(wall.start));
  const title = h("h1", { class: "visually-hidden" }, "Faces");
  const strip = new Strip(page);
  const view = {
    element: h(
      "div",
      { class: "faces" },
      h("div", { class: "faces-wall" }, title, form, strip.element, wall.element),
      h("aside", { "aria-label": "Current face" }, portrait.element),
    ),
    scroll: 0,
    show: () => {
      portrait.update();
      requestAnimationFrame(() => wall.layOut());
    },
    random,
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
  const random = () =>
    page.attempt(async () => {
      field.value = await page.randomSeed(wall.truncation);
      begin(BigInt(field.value));
      wall.choose(field.value);
    });
  const form = h(
    "form",
    { class: "toolbar", onsubmit: go },
    h("label", {}, h("span", {}, "From seed"), field),
    h("button", {}, "Go"),
    button("Random", random, { title: "R" }),
  );
  return { form, random };
}

/**
 * The switch between all faces and the best ones.
 *
 * @param {Page} page
 */
function wallChoice(page) {
  const { rejected } = page.model;
  const percent = (/** @type {number} */ share) => `${Math.round(100 * share)}%`;
  const option = (/** @type {string} */ text, /** @type {boolean} */ best, /** @type {string} */ title) => {
    const input = h("input", { type: "radio", name: "wall", onchange: () => page.showBest(best) });
    page.addEventListener("wall", () => (input.checked = page.showsBest === best));
    input.checked = page.showsBest === best;
    return h("label", { title }, input, h("span", {}, text));
  };
  const reason = `Without the ${percent(rejected)} of faces that the face detector is least certain of`;
  return h(
    "fieldset",
    { class: "choice" },
    h("legend", { class: "visually-hidden" }, "Faces on the wall"),
    option("All faces", false, "Every seed"),
    option(`Best ${percent(1 - rejected)}`, true, reason),
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
    const { origin, strengths } = editor.current;
    if (origin.kind === "seed") await editor.open({ origin: { ...origin, truncation: value }, strengths });
  };
  const made = new Slider({
    name: "Truncation",
    min: MIN_TRUNCATION,
    max: 1,
    step: 0.05,
    value: wall.truncation,
    format: (value) => value.toFixed(2),
    changed: (value, done) => done && page.attempt(() => redraw(value)),
  });
  made.element.title = "Below 1: fewer artifacts, less variety";
  return made;
}
