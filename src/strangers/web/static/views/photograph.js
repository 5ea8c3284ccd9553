/** Photograph: a picture, the latent whose face comes nearest to it, found before one's eyes. */
import { h, paint } from "../elements.js";
import { Refusal } from "../source.js";

const MOST_BYTES = 20 * 2 ** 20;
const STRANGE =
  "This does not look like the photographs that this model learnt from. Crop it round one face, upright.";

export function photographView(page) {
  const { source, current, model } = page;
  const file = h("input", {
    type: "file",
    accept: "image/*",
    class: "visually-hidden",
    id: "photograph-file",
  });
  const drop = h(
    "label",
    { class: "drop", for: "photograph-file" },
    h("strong", {}, "Drop a picture here, or choose one"),
    h(
      "span",
      { class: "note" },
      "One face, upright, from hair to chin. It is worked on here, by this server, and never stored.",
    ),
  );
  const seen = h("canvas", {
    role: "img",
    "aria-label": "The photograph, as the model sees it",
    width: model.size,
    height: model.size,
  });
  const found = h("canvas", {
    role: "img",
    "aria-label": "The nearest face so far",
    width: model.size,
    height: model.size,
  });
  const progress = h("progress", { max: 1, value: 0, "aria-label": "Search" });
  const words = h("p", { class: "note", role: "status" });
  const warning = h("p", { class: "warning", role: "status", hidden: true }, STRANGE);
  const stop = h("button", { type: "button", onclick: () => search?.abort() }, "Stop");
  const edit = h("button", { type: "button", class: "first", onclick: explore }, "Edit this face");
  const result = h(
    "div",
    { class: "inversion", hidden: true },
    h("figure", {}, seen, h("figcaption", {}, "The photograph")),
    h("figure", {}, found, h("figcaption", {}, "The nearest face")),
    h(
      "div",
      { class: "inversion-words" },
      warning,
      progress,
      words,
      h("div", { class: "buttons" }, edit, stop),
    ),
  );
  const element = h(
    "div",
    { class: "photograph" },
    h("h1", { class: "visually-hidden" }, "Photograph"),
    h("div", { class: "drop-place" }, file, drop),
    result,
  );
  let search = null;
  let latent = null;

  function explore() {
    current.set({ base: latent, strengths: {}, seed: null, truncation: 1, label: "From a photograph" });
    page.go("explore");
  }

  async function invert(picture) {
    search?.abort();
    const mine = new AbortController();
    search = mine;
    if (picture.size > MOST_BYTES)
      throw new Refusal(0, "This file is larger than 20 MB; choose a smaller one.");
    latent = null;
    edit.disabled = true;
    stop.disabled = false;
    words.textContent = "Reading the picture…";
    try {
      for await (const event of source.invert(picture, mine.signal)) {
        if (search !== mine) return;
        take(event);
      }
      words.textContent = words.textContent.replace("Step", "Done: step");
    } catch (error) {
      if (error.name !== "AbortError") throw error;
      if (search === mine) words.textContent = latent ? "Stopped; this is the nearest so far." : "Stopped.";
    } finally {
      if (search === mine) {
        stop.disabled = true;
        search = null;
      }
    }
  }

  function take(event) {
    result.hidden = false;
    if (event.kind === "photograph") {
      paint(seen, event.face);
      warning.hidden = true;
      found.getContext("2d").clearRect(0, 0, found.width, found.height);
      progress.value = 0;
      return;
    }
    if (event.kind === "strangeness") {
      warning.hidden = !event.strange;
      return;
    }
    ({ latent } = event);
    edit.disabled = false;
    paint(found, event.face);
    progress.max = event.steps;
    progress.value = event.step;
    const difference = event.image_error.toFixed(1);
    words.textContent = `Step ${event.step} of ${event.steps}; pixels differ by ${difference} of 255`;
  }

  const takeFirst = (files) => {
    const picture = [...files].find((each) => each.type.startsWith("image/")) ?? files[0];
    if (picture) page.attempt(() => invert(picture));
  };
  file.addEventListener("change", () => {
    takeFirst(file.files);
    file.value = ""; // so that the same file can be chosen again
  });
  element.addEventListener("dragover", (event) => {
    event.preventDefault();
    drop.classList.add("over");
  });
  element.addEventListener("dragleave", () => drop.classList.remove("over"));
  element.addEventListener("drop", (event) => {
    event.preventDefault();
    drop.classList.remove("over");
    takeFirst(event.dataTransfer.files);
  });
  const paste = (event) => event.clipboardData.files.length && takeFirst(event.clipboardData.files);
  return {
    element,
    show: () => window.addEventListener("paste", paste),
    hide: () => {
      window.removeEventListener("paste", paste);
      search?.abort();
    },
  };
}
