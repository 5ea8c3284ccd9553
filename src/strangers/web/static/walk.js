/** A walk from face to face of the plane's corners and back, played or moved by hand. */
import { h, slider } from "./elements.js";
import { blend } from "./latent.js";

const BETWEEN = 24; // pictures from one face to the next
const PER_SECOND = matchMedia("(prefers-reduced-motion: reduce)").matches ? 4 : 16;

export function walk(page, corners, large) {
  const { source, current, model } = page;
  const total = 3 * BETWEEN;
  const button = h(
    "button",
    { type: "button", class: "first", onclick: () => (timer ? stop() : page.attempt(play)) },
    "Play",
  );
  const place = slider({
    name: "Place",
    min: 0,
    max: total,
    step: 1,
    value: 0,
    show: (frame) => `${Math.round((100 * frame) / total)} %`,
    changed: (frame, done) => corners.latents()[0] && settle(frame, done),
  });
  const element = h(
    "div",
    {},
    h("h2", { id: "walk-title" }, "Walk"),
    h("p", { class: "note" }, "From A to B to C and back to A."),
    h("div", { class: "player" }, button, place.element),
  );
  let timer = null;
  let frame = 0;

  function at(position) {
    const along = (position % total) / BETWEEN;
    const from = Math.floor(along);
    const share = along - from;
    const latents = corners.latents();
    return blend([latents[from], latents[(from + 1) % 3]], [1 - share, share], model.latent);
  }

  function settle(position, committed) {
    frame = position;
    current.set(
      { base: at(position), strengths: {}, seed: null, truncation: 1, label: "On the walk" },
      committed,
    );
  }

  async function play() {
    button.textContent = "Pause";
    timer = setTimeout(() => {}, 0);
    const mine = timer;
    const faces = await source.faces({ latents: Array.from({ length: total }, (_, i) => at(i)) });
    if (timer !== mine) return; // stopped meanwhile
    timer = setInterval(() => {
      frame = (frame + 1) % total;
      large.show(faces[frame]);
      place.set(frame);
    }, 1000 / PER_SECOND);
  }

  function stop() {
    if (!timer) return;
    clearInterval(timer);
    timer = null;
    button.textContent = "Play";
    settle(frame, true);
  }

  return { element, stop };
}
