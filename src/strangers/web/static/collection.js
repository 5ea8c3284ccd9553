/** The visitor's favorites, which this browser keeps as links, and the faces chosen since the page was opened. */
import { isEdited, labelOf, resolveFace, sameOrigin } from "./face.js";
import { formatLink, parseLink } from "./links.js";

/** @import {Face} from "./face.js" */
/** @import {Page} from "./page.js" */

/** @typedef {{link: string, face: Face, label: string, picture: ImageData | null}} Entry */

const MAX_HISTORY = 30;
const MAX_FAVORITES = 200;

/** Dispatches "change" when an entry comes, goes or is drawn. */
export class Collection extends EventTarget {
  /** @param {Page} page */
  constructor(page) {
    super();
    this.page = page;
    /** @type {Entry[]} */
    this.favorites = [];
    /** @type {Entry[]} */
    this.history = []; // the newest first
    this.key = `strangers favorites of ${page.model.hash}`;
    page.editor.addEventListener("change", () => this.#record());
    page.editor.addEventListener("directions", () => this.#redraw());
  }

  /** Load the favorites that this browser keeps. Those of a link that no longer works are left out. */
  async load() {
    const { source, model } = this.page;
    const faces = await Promise.all(
      readList(this.key).map(async (link) => {
        const { face } = parseLink(link);
        return face && resolveFace(face, source, model).catch(() => null);
      }),
    );
    const known = new Set(this.favorites.map(({ link }) => link));
    const loaded = faces.flatMap((face) => (face ? entryOf(face) : []));
    this.favorites = [...this.favorites, ...loaded.filter(({ link }) => !known.has(link))];
    this.#changed();
  }

  get isFavorite() {
    const link = formatLink(null, this.page.editor.current);
    return this.favorites.some((entry) => entry.link === link);
  }

  /** Add the current face to the favorites, or remove it from them. */
  toggle() {
    const entry = entryOf(this.page.editor.current);
    const add = !this.isFavorite;
    const others = this.favorites.filter(({ link }) => link !== entry.link);
    this.favorites = add ? [entry, ...others] : others;
    // Another tab may have stored others meanwhile.
    const stored = readList(this.key).filter((link) => link !== entry.link);
    writeList(this.key, add ? [entry.link, ...stored].slice(0, MAX_FAVORITES) : stored);
    this.#changed();
  }

  #record() {
    const { editor } = this.page;
    if (!editor.face || !editor.isCommitted) return;
    const entry = entryOf(editor.face);
    if (this.history.some(({ link }) => link === entry.link)) return;
    const [newest] = this.history;
    const editing =
      newest && isEdited(entry.face.strengths) && sameOrigin(newest.face.origin, entry.face.origin);
    const older = editing && isEdited(newest.face.strengths) ? this.history.slice(1) : this.history;
    this.history = [entry, ...older].slice(0, MAX_HISTORY);
    this.#changed();
  }

  /** Edits look as they should only once the directions are there. */
  #redraw() {
    for (const entry of [...this.favorites, ...this.history]) {
      if (isEdited(entry.face.strengths)) entry.picture = null;
    }
    this.#changed();
  }

  #changed() {
    this.dispatchEvent(new Event("change"));
    this.page.attempt(() => this.#draw());
  }

  async #draw() {
    const missing = [...this.favorites, ...this.history].filter(({ picture }) => !picture);
    if (missing.length === 0) return;
    const latents = missing.map(({ face }) => this.page.editor.latentOf(face));
    const faces = await this.page.source.faces({ latents });
    missing.forEach((entry, i) => (entry.picture = faces[i]));
    this.dispatchEvent(new Event("change"));
  }
}

/**
 * @param {Face} face
 * @returns {Entry}
 */
function entryOf(face) {
  const label = labelOf(face.origin) + (isEdited(face.strengths) ? " (edited)" : "");
  return { link: formatLink(null, face), face, label, picture: null };
}

// Browsers may forbid a page to store anything; favorites then last as long as the page.

/**
 * @param {string} key
 * @returns {string[]}
 */
function readList(key) {
  try {
    const list = JSON.parse(localStorage.getItem(key) ?? "[]");
    return Array.isArray(list) ? list.filter((each) => typeof each === "string").slice(0, MAX_FAVORITES) : [];
  } catch {
    return [];
  }
}

/**
 * @param {string} key
 * @param {string[]} list
 */
function writeList(key, list) {
  try {
    localStorage.setItem(key, JSON.stringify(list));
  } catch {
    // see above
  }
}
