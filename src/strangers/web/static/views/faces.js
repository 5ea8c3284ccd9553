/** Faces: an endless wall of faces by seed, and the one that was clicked. */
import { h, slider } from "../elements.js";
import { portrait } from "../portrait.js";
import { Refusal } from "../source.js";
import { Wall } from "../wall.js";

const SEED = /^\d{1,20}$/;

export function facesView(page) {
  const { current } = page;
  const explore = h(
    "button",
    { type: "button", class: "first", onclick: () => page.go("explore") },
    "Explore",
  );
  const large = portrait(page, { actions: page.source.views.includes("explore") ? [explore] : [] });
  const wall = new Wall(page, (seed) => page.attempt(() => current.choose(seed, wall.truncation)));
  const field = h("input", {
    inputmode: "numeric",
    size: 9,
    autocomplete: "off",
    "aria-label": "First seed",
    value: "0",
  });
  const go = (event) => {
    event.preventDefault();
    const seed = field.value.trim();
    if (!SEED.test(seed) || BigInt(seed) >= 2n ** 64n) {
      return page.fail(new Refusal(0, "A seed is a whole number from 0 to 18446744073709551615."));
    }
    begin(BigInt(seed));
  };
  const anywhere = () => {
    const [number] = crypto.getRandomValues(new Uint32Array(1));
    field.value = String(number);
    begin(BigInt(number));
  };
  const form = h(
    "form",
    { class: "toolbar", onsubmit: go },
    h("label", {}, h("span", {}, "From seed"), field),
    h("button", {}, "Go"),
    h("button", { type: "button", onclick: anywhere }, "Anywhere"),
  );
  const { truncation } = current.face ?? { truncation: 1 };
  const truncate = slider({
    name: "Truncation",
    min: 0.05,
    max: 1,
    step: 0.05,
    value: truncation,
    show: (value) => value.toFixed(2),
    changed: (value, done) => done && page.attempt(() => redraw(value)),
  });
  truncate.element.title = "Below 1: fewer oddities, less variety";
  form.append(truncate.element);

  function begin(seed) {
    window.scrollTo(0, 0);
    wall.reset(seed);
    page.say(`Faces from seed ${seed}`);
  }

  async function redraw(value) {
    wall.reset(wall.start, value);
    if (current.face.seed !== null) await current.choose(current.face.seed, value);
  }

  current.addEventListener("change", () => {
    wall.mark(current.isNamed ? current.face.seed : null);
    if (!current.isNamed || current.face.truncation === wall.truncation) return;
    truncate.set(current.face.truncation); // as a link or an undo has it
    wall.reset(wall.start, current.face.truncation);
  });
  wall.truncation = truncation;
  wall.mark(current.face?.seed ?? null);
  const main = h(
    "div",
    { class: "faces-wall" },
    h("h1", { class: "visually-hidden" }, "Faces"),
    form,
    wall.element,
  );
  const element = h(
    "div",
    { class: "faces" },
    main,
    h("aside", { "aria-label": "Current face" }, large.element),
  );
  const view = {
    element,
    scroll: 0,
    show: () => requestAnimationFrame(() => wall.layOut()),
    hide: () => (view.scroll = window.scrollY),
  };
  return view;
}
