/** Photograph: the nearest face that the model can draw, searched for before the visitor's eyes. */
import { button, context2d, h, paint } from "../dom.js";
import { UserError } from "../errors.js";
import { PhotographSquare } from "../photograph-square.js";
import { pictureButton } from "../pictures.js";

/** @import {Latent} from "../latent-math.js" */
/** @import {Page, View} from "../page.js" */
/** @import {InversionEvent, InversionStep, SeenPhotograph, ServerSource, Square} from "../source.js" */

const MAX_BYTES = 20 * 2 ** 20;
const OUT_OF_DISTRIBUTION =
  "This does not look like the photographs that the model was trained on. Crop it to one upright face.";
const MISSED = "No face was found. Drag the square over the face.";
const FOUND = "Drag the square to choose another part of the photograph; its corner resizes and turns it.";
const PRIVACY = "One upright face, from hair to chin. It is processed by this server and never stored.";

/**
 * @param {Page} page
 * @returns {View}
 */
export function build(page) {
  const inversion = new Inversion(page);
  const take = (/** @type {Iterable<File>} */ files) => {
    const all = [...files];
    const file = all.find((each) => each.type.startsWith("image/")) ?? all[0];
    if (file) page.attempt(() => inversion.run(file));
  };
  const drop = dropArea(take);
  const element = h(
    "div",
    { class: "photograph" },
    h("h1", { class: "visually-hidden" }, "Photograph"),
    drop.element,
    inversion.element,
  );
  drop.listen(element);
  const paste = (/** @type {ClipboardEvent} */ event) => take(event.clipboardData?.files ?? []);
  return {
    element,
    show: () => window.addEventListener("paste", paste),
    hide: () => {
      window.removeEventListener("paste", paste);
      inversion.stop();
    },
  };
}

/**
 * The area where a picture is dropped or chosen.
 *
 * @param {(files: Iterable<File>) => void} take
 */
function dropArea(take) {
  const words = [
    h("strong", {}, "Drop a picture here, or choose one"),
    h("span", { class: "note" }, PRIVACY),
  ];
  const [field, area] = pictureButton(words, take, { class: "drop" }, false);
  const listen = (/** @type {HTMLElement} */ element) => {
    element.addEventListener("dragover", (event) => {
      event.preventDefault();
      area.classList.add("over");
    });
    element.addEventListener("dragleave", () => area.classList.remove("over"));
    element.addEventListener("drop", (event) => {
      event.preventDefault();
      area.classList.remove("over");
      take(event.dataTransfer?.files ?? []);
    });
  };
  return { element: h("div", {}, field, area), listen };
}

/** A search and its result: the photograph, the nearest face so far, and how far the search is. */
class Inversion {
  /** @param {Page} page */
  constructor(page) {
    this.page = page;
    this.source = /** @type {ServerSource} */ (page.source); // only a server feeds this view
    /** @type {AbortController | null} */
    this.search = null;
    /** @type {Latent | null} */
    this.latent = null;
    const { size } = page.model;
    const canvas = (/** @type {string} */ name) =>
      h("canvas", { role: "img", "aria-label": name, width: size, height: size });
    /** @type {File | null} */
    this.file = null;
    this.square = new PhotographSquare((square) => {
      const { file } = this;
      if (file) page.attempt(() => this.run(file, square));
    });
    this.hint = h("figcaption", {}, FOUND);
    this.whole = h("figure", { class: "inversion-whole", hidden: true }, this.square.element, this.hint);
    this.photograph = canvas("The photograph, as the model sees it");
    this.nearest = canvas("The nearest face so far");
    this.progress = h("progress", { max: 1, value: 0, "aria-label": "Search" });
    this.status = h("p", { class: "note", role: "status" });
    this.warning = h("p", { class: "warning", role: "status", hidden: true }, OUT_OF_DISTRIBUTION);
    this.stopButton = button("Stop", () => this.stop());
    this.editButton = button("Edit this face", () => this.#edit(), { class: "first" });
    const buttons = h("div", { class: "buttons" }, this.editButton, this.stopButton);
    this.result = h(
      "div",
      { class: "inversion", hidden: true },
      this.whole,
      h("figure", {}, this.photograph, h("figcaption", {}, "As the model sees it")),
      h("figure", {}, this.nearest, h("figcaption", {}, "The nearest face")),
      h("div", { class: "inversion-words" }, this.warning, this.progress, buttons),
    );
    this.element = h("div", { class: "inversion-search" }, this.status, this.result);
  }

  stop() {
    this.search?.abort();
  }

  /**
   * @param {File} file
   * @param {Square} [square] The part that the model sees, if the visitor chose it.
   */
  async run(file, square) {
    this.stop();
    const mine = (this.search = new AbortController());
    this.#clear(Boolean(square));
    this.file = file;
    if (file.size > MAX_BYTES) throw new UserError("This file is larger than 20 MB. Choose a smaller one.");
    this.stopButton.disabled = false;
    this.status.textContent = "Reading the picture…";
    try {
      if (!square) await this.#paintWhole(file);
      for await (const event of this.source.invert(file, mine.signal, square)) {
        if (this.search !== mine) return;
        // A square that the visitor chose is in its place, and may be on its way to the next.
        if (event.kind === "photograph" && !square) this.#showSquare(event);
        this.#show(event);
      }
      this.status.textContent = this.status.textContent.replace("Step", "Done: step");
    } catch (error) {
      if (!mine.signal.aborted) {
        if (this.search === mine) this.#clear(Boolean(square));
        throw error;
      }
      if (this.search === mine) {
        this.status.textContent = this.latent ? "Stopped. This is the nearest face so far." : "Stopped.";
      }
    } finally {
      if (this.search === mine) {
        this.stopButton.disabled = true;
        this.search = null;
      }
    }
  }

  /**
   * Show the photograph itself, where the browser can read it; only the server reads HEIC, for example.
   *
   * @param {File} file
   */
  async #paintWhole(file) {
    this.whole.hidden = true;
    const bitmap = await createImageBitmap(file).catch(() => null);
    if (!bitmap) return;
    this.square.paint(bitmap);
    bitmap.close();
    this.whole.hidden = false;
  }

  /**
   * Show nothing of an earlier search.
   *
   * @param {boolean} [keepsPicture] The picture is the same.
   */
  #clear(keepsPicture = false) {
    this.latent = null;
    this.result.hidden = !keepsPicture;
    this.warning.hidden = true;
    this.progress.value = 0;
    this.status.textContent = "";
    this.editButton.disabled = true;
    this.stopButton.disabled = true;
  }

  /** @param {InversionEvent} event */
  #show(event) {
    this.result.hidden = false;
    if (event.kind === "photograph") {
      paint(this.photograph, event.face);
      context2d(this.nearest).clearRect(0, 0, this.nearest.width, this.nearest.height);
    } else if (event.kind === "ood_score") {
      this.warning.hidden = !event.out_of_distribution;
    } else {
      this.#showStep(event);
    }
  }

  /** @param {SeenPhotograph} event */
  #showSquare(event) {
    this.square.show(event);
    this.hint.textContent = event.missed ? MISSED : FOUND;
  }

  /** @param {InversionStep} event */
  #showStep({ step, steps, latent, face, image_error }) {
    this.latent = latent;
    this.editButton.disabled = false;
    paint(this.nearest, face);
    this.progress.max = steps;
    this.progress.value = step;
    const error = image_error.toFixed(1);
    this.status.textContent = `Step ${step} of ${steps}; mean pixel difference ${error} of 255`;
  }

  #edit() {
    if (!this.latent) return;
    this.page.editor.setLatent(this.latent, "From a photograph");
    this.page.go("explore");
  }
}
