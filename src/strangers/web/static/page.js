/** What all views share: the source, its model, the current face, and ways to report to the visitor. */
import { h } from "./dom.js";
import { UserError } from "./errors.js";
import { FaceEditor } from "./face-editor.js";

/** @import {Model, Source, ViewName} from "./source.js" */

/**
 * @typedef {object} View
 * @property {HTMLElement} element
 * @property {number} [scroll] Where it was scrolled to when it was last left.
 * @property {() => void} [show]
 * @property {() => void} [hide]
 */

const ALERT_MS = 8000;

export class Page {
  /** @param {Source} source */
  constructor(source) {
    this.source = source;
    /** @type {Model | null} */
    this.loaded = null;
    this.missingModel = ""; // the reason if there is no model
    this.editor = new FaceEditor(source);
    this.status = h("p", { class: "visually-hidden", role: "status", "aria-live": "polite" });
    this.alert = h("p", { class: "alarm", role: "alert", hidden: true });
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.hiding = undefined;
    /** @type {(view: ViewName) => void} */
    this.go = () => {};
    this.link = () => "";
    document.body.append(this.status, this.alert);
  }

  /** The model. Only views that need none are built without one. */
  get model() {
    if (!this.loaded) throw new UserError(this.missingModel);
    return this.loaded;
  }

  /** @param {Model} model */
  setModel(model) {
    this.loaded = model;
    this.editor.distribution = model.latent;
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
   * Show an error. Aborted requests are none.
   *
   * @param {unknown} error
   */
  fail(error) {
    if (error instanceof Error && error.name === "AbortError") return;
    const expected = error instanceof UserError;
    if (!expected) console.error(error);
    this.alert.textContent = expected ? error.message : "Something went wrong. Reload the page.";
    this.alert.hidden = false;
    clearTimeout(this.hiding);
    this.hiding = setTimeout(() => (this.alert.hidden = true), ALERT_MS);
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
