/** A strip of small faces to return to: favorites, then what was chosen before. */
import { button, download, h, paint } from "./dom.js";
import { isEdited } from "./face.js";
import { fileName } from "./portrait.js";
import { zip } from "./zip.js";

/** @import {Collection, Entry} from "./collection.js" */
/** @import {Page} from "./page.js" */

export class Strip {
  /** @param {Page} page */
  constructor(page) {
    this.page = page;
    /** @type {Map<string, HTMLButtonElement>} */
    this.buttons = new Map(); // by link
    const name = "Download the favorites as a ZIP file";
    this.save = button("ZIP", () => page.attempt(() => this.#download()), {
      "aria-label": name,
      title: name,
    });
    this.element = h("div", { class: "strip", role: "group", "aria-label": "Favorites and history" });
    page.collection.addEventListener("change", () => this.#update());
    page.editor.addEventListener("change", () => this.#mark());
    this.#update();
  }

  #update() {
    const { favorites, history } = this.page.collection;
    const links = new Set(favorites.map(({ link }) => link));
    const recent = history.filter(({ link }) => !links.has(link));
    const old = this.buttons;
    this.buttons = new Map();
    for (const entry of [...favorites, ...recent]) {
      const button = old.get(entry.link) ?? this.#make(entry);
      button.classList.toggle("favorite", links.has(entry.link));
      if (entry.picture && button.firstChild instanceof HTMLCanvasElement)
        paint(button.firstChild, entry.picture);
      this.buttons.set(entry.link, button);
    }
    /** @type {HTMLElement[]} */
    const wanted = [...this.buttons.values()];
    if (favorites.length) wanted.splice(favorites.length, 0, this.save);
    const shown = [...this.element.children];
    if (wanted.length !== shown.length || wanted.some((button, i) => shown[i] !== button)) {
      const focused = wanted.find((button) => button === document.activeElement);
      this.element.replaceChildren(...wanted);
      focused?.focus({ preventScroll: true }); // which an element loses when it is moved
    }
    this.#mark();
  }

  /** @param {Entry} entry */
  #make(entry) {
    const { size } = this.page.model;
    const canvas = h("canvas", { width: size, height: size });
    const onclick = () => this.page.editor.set(entry.face);
    return h("button", { type: "button", title: entry.label, "aria-label": entry.label, onclick }, canvas);
  }

  async #download() {
    const { editor, collection, source } = this.page;
    const files = [];
    for (const [i, { face }] of collection.favorites.entries()) {
      const { origin, strengths } = face;
      const edited = isEdited(strengths);
      const isSeed = origin.kind === "seed" && !edited;
      const blob = await source.png(isSeed ? origin : { latent: editor.latentOf(face) });
      files.push({ name: `${String(i + 1).padStart(3, "0")}-${fileName(origin, edited)}`, blob });
    }
    download(await zip(files), "faces.zip");
    this.page.notify(`Saved ${files.length === 1 ? "1 face" : `${files.length} faces`} as faces.zip.`);
  }

  #mark() {
    const { editor } = this.page;
    if (!editor.face) return;
    const current = this.page.currentLink();
    for (const [link, button] of this.buttons) button.setAttribute("aria-pressed", String(link === current));
  }
}
