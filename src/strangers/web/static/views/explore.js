/** Explore: the current face, moved along attributes, over a plane of three faces, and along a walk. */
import { h, slider } from "../elements.js";
import { plane } from "../plane.js";
import { portrait } from "../portrait.js";
import { walk } from "../walk.js";

const STRONGEST = 8;
const FAR = 3; // how far a slider goes, in the directions' own unit

export function exploreView(page) {
  const { current } = page;
  const undo = h("button", { type: "button", onclick: () => current.undo(), title: "Ctrl+Z" }, "Undo");
  const redo = h("button", { type: "button", onclick: () => current.redo(), title: "Ctrl+Shift+Z" }, "Redo");
  const reset = h("button", { type: "button", onclick: unedit }, "Reset");
  const large = portrait(page, { actions: [undo, redo, reset] });
  const attributes = h("section", { class: "card attributes", "aria-labelledby": "attributes-title" });
  const corners = plane(page);
  const player = walk(page, corners, large);
  const element = h(
    "div",
    { class: "explore" },
    h("h1", { class: "visually-hidden" }, "Explore"),
    h("aside", { "aria-label": "Current face" }, large.element),
    attributes,
    h("section", { class: "card plane", "aria-labelledby": "plane-title" }, corners.element),
    h("section", { class: "card", "aria-labelledby": "walk-title" }, player.element),
  );
  const sliders = new Map();

  function unedit() {
    if (current.isEdited) current.set({ ...current.face, strengths: {} });
  }

  function attributeSlider(name) {
    const made = slider({
      name: name.replaceAll("_", " "),
      min: -FAR,
      max: FAR,
      step: 0.1,
      value: current.face.strengths[name] ?? 0,
      show: (value) => (value > 0 ? "+" : "") + value.toFixed(1),
      changed: (value, done) => current.strengthen(name, value, done),
    });
    sliders.set(name, made);
    return made.element;
  }

  function drawAttributes() {
    const { state, names, why, share = 0 } = current.directions;
    const title = h("h2", { id: "attributes-title" }, "Attributes");
    if (state !== "ready") {
      const search = state === "finding";
      const words = search ? "Looking for directions of attributes; half a minute, the first time…" : why;
      const progress = search ? h("progress", { max: 1, value: share, "aria-label": "Search" }) : "";
      attributes.replaceChildren(title, h("p", { class: "note" }, words), progress);
      return;
    }
    const more = names.slice(STRONGEST).map(attributeSlider);
    attributes.replaceChildren(title, ...names.slice(0, STRONGEST).map(attributeSlider));
    if (more.length) attributes.append(h("details", {}, h("summary", {}, `${more.length} more`), ...more));
  }

  function follow() {
    for (const [name, made] of sliders) made.set(current.face.strengths[name] ?? 0);
    undo.disabled = current.past.length === 0;
    redo.disabled = current.future.length === 0;
    reset.disabled = !current.isEdited;
  }

  function keys(event) {
    if (
      !(event.ctrlKey || event.metaKey) ||
      event.key.toLowerCase() !== "z" ||
      event.target.matches("input[type=text]")
    )
      return;
    event.preventDefault();
    if (event.shiftKey) current.redo();
    else current.undo();
  }

  current.addEventListener("change", follow);
  current.addEventListener("directions", drawAttributes);
  drawAttributes();
  follow();
  return {
    element,
    show: () => {
      window.addEventListener("keydown", keys);
      corners.show();
    },
    hide: () => {
      window.removeEventListener("keydown", keys);
      player.stop();
    },
  };
}
