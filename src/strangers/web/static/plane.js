/** A plane through three chosen faces: its map, and a point on it to drag. */
import { h, paint } from "./elements.js";
import { blend } from "./latent.js";

const SIDE = 6; // faces of the map in a row
const STEP = 0.05; // of the plane's side, for an arrow key
const NAMES = ["A", "B", "C"];
const PLACES = ["top left", "top right", "bottom left"];

export function plane(page) {
  const { source, current, model } = page;
  const map = h("canvas", { class: "map", width: SIDE * model.size, height: SIDE * model.size });
  const point = h("div", { class: "point" });
  const pad = h(
    "div",
    {
      class: "pad",
      role: "slider",
      tabindex: 0,
      "aria-label": "Point on the plane; arrow keys move it",
      "aria-valuenow": 0,
    },
    map,
    point,
  );
  const corners = NAMES.map((name, which) => makeCorner(name, which));
  const element = h(
    "div",
    {},
    h("h2", { id: "plane-title" }, "Plane"),
    h("p", { class: "note" }, "Drag over the plane that three faces span."),
    pad,
    h("div", { class: "corners" }, ...corners.map((corner) => corner.element)),
  );
  let place = [0, 0];

  function makeCorner(name, which) {
    const canvas = h("canvas", { width: model.size, height: model.size, role: "img" });
    const text = h("span", {});
    const take = h(
      "button",
      { type: "button", "aria-label": `Put the current face at ${name}` },
      "Use current",
    );
    const element = h(
      "div",
      { class: "corner" },
      canvas,
      h("div", {}, h("b", { title: PLACES[which] }, name), " ", text, take),
    );
    const corner = { element, canvas, text, latent: null };
    take.addEventListener("click", () => {
      put(corner, current.latent, current.label);
      page.attempt(drawMap);
      page.say(`${current.label} is at ${name}.`);
    });
    return corner;
  }

  function put(corner, latent, label) {
    corner.latent = latent;
    corner.label = label;
    corner.text.textContent = label;
    corner.canvas.setAttribute("aria-label", label);
  }

  /** The latent at (x, y) in [0, 1]: A is at (0, 0), B at (1, 0), C at (0, 1). */
  function at(x, y) {
    return blend(
      corners.map((corner) => corner.latent),
      [1 - x - y, x, y],
      model.latent,
    );
  }

  async function drawMap() {
    const cells = Array.from({ length: SIDE * SIDE }, (_, i) => [
      (i % SIDE) / (SIDE - 1),
      Math.floor(i / SIDE) / (SIDE - 1),
    ]);
    const faces = await source.faces({
      latents: [...cells.map(([x, y]) => at(x, y)), ...corners.map((c) => c.latent)],
    });
    const pen = map.getContext("2d");
    cells.forEach((_, i) =>
      pen.putImageData(faces[i], (i % SIDE) * model.size, Math.floor(i / SIDE) * model.size),
    );
    corners.forEach((corner, which) => paint(corner.canvas, faces[cells.length + which]));
    pad.dataset.drawn = "yes";
  }

  function move(x, y, committed) {
    place = [Math.min(1, Math.max(0, x)), Math.min(1, Math.max(0, y))];
    mark();
    const base = at(...place);
    current.set({ base, strengths: {}, seed: null, truncation: 1, label: "Between A, B and C" }, committed);
  }

  function mark() {
    const [x, y] = place;
    point.style.left = `${100 * (0.5 / SIDE + x * (1 - 1 / SIDE))}%`;
    point.style.top = `${100 * (0.5 / SIDE + y * (1 - 1 / SIDE))}%`;
    pad.setAttribute("aria-valuenow", Math.round(100 * x));
    pad.setAttribute(
      "aria-valuetext",
      `${Math.round(100 * x)} % towards B, ${Math.round(100 * y)} % towards C`,
    );
  }

  function drag(event, committed) {
    const box = pad.getBoundingClientRect();
    const along = (value, start, length) => ((value - start) / length - 0.5 / SIDE) / (1 - 1 / SIDE);
    move(along(event.clientX, box.left, box.width), along(event.clientY, box.top, box.height), committed);
  }

  pad.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || !corners[0].latent) return;
    pad.setPointerCapture(event.pointerId);
    drag(event, false);
  });
  pad.addEventListener(
    "pointermove",
    (event) => pad.hasPointerCapture(event.pointerId) && drag(event, false),
  );
  pad.addEventListener("pointerup", (event) => pad.hasPointerCapture(event.pointerId) && drag(event, true));
  pad.addEventListener("keydown", (event) => {
    const steps = { ArrowLeft: [-STEP, 0], ArrowRight: [STEP, 0], ArrowUp: [0, -STEP], ArrowDown: [0, STEP] };
    const step = steps[event.key];
    if (!step || !corners[0].latent) return;
    event.preventDefault();
    move(place[0] + step[0], place[1] + step[1], true);
  });

  /** With the current face at A, and two neighbours of it, until a person chooses others. */
  async function begin() {
    const near = BigInt(current.face.seed ?? 0);
    const others = [near + 1n, near + 2n].map((seed) => (seed < 2n ** 64n ? seed : seed - 3n));
    const latents = await source.latents(others);
    put(corners[0], current.latent, current.label);
    others.forEach((seed, i) => put(corners[i + 1], latents[i], `Face ${seed}`));
    mark();
    await drawMap();
  }

  const latents = () => corners.map((corner) => corner.latent);
  const show = () => corners[0].latent || page.attempt(begin);
  return { element, show, latents };
}
