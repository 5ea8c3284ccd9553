/** State that all views share: the source, its model, the current face, and ways to report to the visitor. */
import { h } from "./dom.js";
import { UserError } from "./errors.js";
import { Collection } from "./collection.js";
import { FaceEditor } from "./face-editor.js";
import { formatLink } from "./links.js";
import { randomSeed } from "./seeds.js";

/** @import {Corner} from "./face.js" */
/** @import {Model, PreparedSet, Run, ServedModel, Source, ViewName} from "./source.js" */

/**
 * @typedef {object} View
 * @property {HTMLElement} element
 * @property {number} [scroll] Where it was scrolled to when it was last left.
 * @property {() => unknown} [show] Returns a promise if it has yet to get what it shows.
 * @property {() => void} [hide]
 * @property {() => void} [random] Called for the key R.
 */

const ALERT_MS = 8000;
const TRIED_SEEDS = 4; // enough that one of them is nearly always among the best
const NOTICE_MS = 3000;

/** Dispatches "wall" when the visitor wants other faces on the wall. */
export class Page extends EventTarget {
  /** @param {Source} source */
  constructor(source) {
    super();
    this.source = source;
    /** @type {Model | null} */
    this.loaded = null;
    this.showsBest = false; // on the wall; else all faces
    /** @type {ServedModel[]} */
    this.models = []; // to choose from
    this.missingModel = ""; // the reason if there is no model
    /** @type {PreparedSet[]} */
    this.sets = [];
    /** @type {Run[]} */
    this.runs = []; // as they were when the page was opened
    this.editor = new FaceEditor(source);
    /** @type {Collection | null} */
    this.kept = null;
    this.status = h("p", { class: "visually-hidden", role: "status", "aria-live": "polite" });
    // Never hidden: screen readers announce what changes in an element that they know already.
    this.notice = h("p", { class: "toast notice", role: "status" });
    this.alert = h("p", { class: "toast alert", role: "alert" });
    /** @type {Map<HTMLElement, ReturnType<typeof setTimeout>>} */
    this.timers = new Map();
    /** @type {(view: ViewName) => void} */
    this.go = () => {};
    this.link = () => "";
    this.random = () => {};
    /** @type {Map<number, Corner>} */
    this.picked = new Map(); // for corners of the plane, by their number, until it takes them
    document.body.append(this.status, h("div", { class: "toasts" }, this.notice, this.alert));
  }

  /** The model. Only views that need none are built without one. */
  get model() {
    if (!this.loaded) throw new UserError(this.missingModel);
    return this.loaded;
  }

  /** @param {Model} model */
  setModel(model) {
    this.loaded = model;
    this.showsBest = model.shows_best;
    this.editor.model = model;
    this.kept = new Collection(this);
  }

  /** Favorites and history. Only views that need a model use them. */
  get collection() {
    if (!this.kept) throw new UserError(this.missingModel);
    return this.kept;
  }

  /**
   * Show the best faces on the wall, or all of them.
   *
   * @param {boolean} best
   */
  showBest(best) {
    if (best === this.showsBest) return;
    this.showsBest = best;
    this.dispatchEvent(new Event("wall"));
  }

  /** A random seed, of a face that the wall shows. */
  async randomSeed(truncation = 1) {
    if (!this.showsBest) return randomSeed();
    const seeds = Array.from({ length: TRIED_SEEDS }, randomSeed);
    const faces = await this.source.best(seeds, truncation);
    return seeds[Math.max(0, faces.findIndex(Boolean))];
  }

  /** The link of the current face, without a view. */
  currentLink() {
    return formatLink(null, this.editor.face);
  }

  /**
   * Tell screen readers.
   *
   * @param {string} text
   */
  announce(text) {
    this.status.textContent = text;
  }

  /**
   * Acknowledge what the visitor did.
   *
   * @param {string} text
   */
  notify(text) {
    this.#toast(this.notice, text, NOTICE_MS);
  }

  /**
   * Show an error. Aborted requests are none.
   *
   * @param {unknown} error
   */
  fail(error) {
    if (error instanceof Error && error.name === "AbortError") return;
    const expected = error instanceof UserError;
    if (!expected) console.error(error);
    const text = expected ? error.message : "Something went wrong. Reload the page.";
    this.#toast(this.alert, text, ALERT_MS);
  }

  /**
   * @param {HTMLElement} element
   * @param {string} text
   * @param {number} duration In milliseconds.
   */
  #toast(element, text, duration) {
    element.textContent = text;
    clearTimeout(this.timers.get(element));
    this.timers.set(
      element,
      setTimeout(() => (element.textContent = ""), duration),
    );
  }

  /**
   * Run `work` and show its error if it fails.
   *
   * @template Result
   * @param {() => Result | Promise<Result>} work
   * @returns {Promise<Result | undefined>}
   */
  async attempt(work) {
    try {
      return await work();
    } catch (error) {
      this.fail(error);
    }
  }
}
