/** The current face, large, with its label and what can be done with it. */
import { button, download, h, paint } from "./dom.js";
import { UserError } from "./errors.js";
import { LatestOnly } from "./latest-only.js";
import { enlarge } from "./png.js";

/** @import {Origin} from "./face.js" */
/** @import {Latent} from "./latent-math.js" */
/** @import {Page} from "./page.js" */

const LARGE = 1024; // px
const SWIPE_PX = 30; // a phone shows the face 68 px wide

export class Portrait {
  /**
   * @param {Page} page
   * @param {HTMLElement[]} actions Buttons before the portrait's own.
   */
  constructor(page, actions = []) {
    this.page = page;
    this.comparing = false;
    const { size } = page.model;
    this.canvas = h("canvas", { class: "portrait-face", role: "img", width: size, height: size });
    this.label = h("p", { class: "portrait-label" });
    this.favorite = button("Favorite", () => this.toggleFavorite(), { class: "favorite" });
    const save = button("Download PNG", () => page.attempt(() => this.#download()));
    const large = button("Large PNG", () => page.attempt(() => this.#download(LARGE)), {
      title: `${LARGE} px, enlarged`,
    });
    const copy = button("Copy link", () => page.attempt(() => this.#copyLink()));
    const buttons = h(
      "div",
      { class: "portrait-buttons" },
      h("div", { class: "buttons" }, ...actions),
      h("div", { class: "buttons" }, this.favorite, save, large, copy),
    );
    const caption = h("figcaption", {}, this.label, buttons);
    this.element = h("figure", { class: "portrait" }, this.canvas, caption);
    this.drawings = new LatestOnly(
      (/** @type {Latent} */ latent) => page.source.faces({ latents: [latent] }),
      ([face]) => this.#paint(face),
      (error) => page.fail(error),
    );
    this.#listenToSwipes();
    page.editor.addEventListener("change", () => this.update());
    page.collection.addEventListener("change", () => this.#markFavorite());
  }

  /** Show the current face, if the portrait is on the page: as it is, or without edits while it is compared. */
  update() {
    const { editor } = this.page;
    if (!editor.face || !this.element.isConnected) return;
    this.#markFavorite();
    const label = this.comparing ? "Without edits" : editor.label;
    this.label.textContent = label;
    this.canvas.setAttribute("aria-label", label);
    const { picture, base } = editor.face;
    if (picture && !this.comparing) this.#paint(picture);
    else this.drawings.request(this.comparing ? base : editor.latent);
  }

  /** A swipe to the left shows a random face, one to the right the face before. */
  #listenToSwipes() {
    /** @type {PointerEvent | null} */
    let down = null;
    this.canvas.addEventListener("pointerdown", (event) => {
      down = event.isPrimary && event.pointerType !== "mouse" ? event : null; // one finger alone swipes
    });
    this.canvas.addEventListener("pointercancel", () => (down = null)); // it scrolls the page
    this.canvas.addEventListener("pointerup", ({ clientX, clientY }) => {
      if (!down) return;
      const [x, y] = [clientX - down.clientX, clientY - down.clientY];
      down = null;
      if (Math.abs(x) < Math.max(SWIPE_PX, Math.abs(y))) return;
      if (x < 0) this.page.random();
      else this.page.editor.undo();
    });
  }

  /** @param {boolean} comparing */
  compare(comparing) {
    if (comparing === this.comparing) return;
    this.comparing = comparing;
    this.update();
  }

  /** @param {ImageData} face */
  #paint(face) {
    paint(this.canvas, face);
    this.element.dataset.drawn = String(Number(this.element.dataset.drawn ?? 0) + 1);
  }

  #markFavorite() {
    if (!this.page.editor.face) return;
    const { isFavorite } = this.page.collection;
    this.favorite.setAttribute("aria-pressed", String(isFavorite));
  }

  toggleFavorite() {
    const { collection } = this.page;
    collection.toggle();
    this.page.notify(collection.isFavorite ? "Added to favorites." : "Removed from favorites.");
  }

  /** @param {number} [side] Height and width, if not those of the model's faces. */
  async #download(side) {
    const { current, isEdited, latent, seed } = this.page.editor;
    const png = await this.page.source.png(seed ?? { latent });
    const name = fileName(current.origin, isEdited, side);
    download(side ? await enlarge(png, side) : png, name);
    this.page.notify(`Saved as ${name}.`);
  }

  async #copyLink() {
    // Browsers offer the clipboard to secure pages alone, which a server in the local network is not.
    if (!navigator.clipboard) throw new UserError("Copy the address of this page: it identifies the face.");
    await navigator.clipboard.writeText(this.page.link());
    this.page.notify("Link copied.");
  }
}

/**
 * @param {Origin} origin
 * @param {boolean} isEdited
 * @param {number} [side] Of an enlarged face.
 */
export function fileName(origin, isEdited, side) {
  const name = { seed: "face", latent: "face", mix: "mix" }[origin.kind];
  const seed = origin.kind === "seed" ? `-${origin.seed}` : "";
  return `${name}${seed}${isEdited ? "-edited" : ""}${side ? `-${side}px` : ""}.png`;
}

/**
 * A button that shows the face without edits for as long as it is held.
 *
 * @param {Portrait} portrait
 */
export function compareButton(portrait) {
  const hold = button("Hold to compare", () => {}, { class: "hold" });
  const start = () => portrait.compare(true);
  const end = () => portrait.compare(false);
  hold.addEventListener("pointerdown", (event) => {
    hold.setPointerCapture(event.pointerId);
    start();
  });
  hold.addEventListener("keydown", (event) => {
    if (event.key === " " || event.key === "Enter") start();
  });
  for (const name of ["pointerup", "pointercancel", "keyup", "blur"]) hold.addEventListener(name, end);
  hold.addEventListener("contextmenu", (event) => event.preventDefault()); // of a long press
  return hold;
}
