/** The current face, which all views share, with undo and redo. */
import { edit, truncate } from "./latent-math.js";

/** @import {Distribution, Latent, Strengths} from "./latent-math.js" */
/** @import {Directions, Source} from "./source.js" */

/**
 * @typedef {object} Face
 * @property {Latent} base The latent after truncation and before edits.
 * @property {Strengths} strengths
 * @property {string | null} seed null if no seed has this latent.
 * @property {number} truncation
 * @property {string} label
 */

const MAX_UNDO_STEPS = 200;

/** Dispatches "change" when the face changes, and "directions" when the attribute directions do. */
export class FaceEditor extends EventTarget {
  /** @param {Source} source */
  constructor(source) {
    super();
    this.source = source;
    /** @type {Face | null} */
    this.face = null;
    /** @type {Face | null} */
    this.committed = null;
    /** @type {Distribution} */
    this.distribution = "normal";
    /** @type {Directions} */
    this.directions = { state: "finding", why: "", names: [], vectors: [], accuracies: [] };
    /** @type {Face[]} */
    this.past = [];
    /** @type {Face[]} */
    this.future = [];
  }

  /** The current face. Views are built after the first one is chosen. */
  get current() {
    if (!this.face) throw new Error("No face is chosen yet.");
    return this.face;
  }

  /** The latent of the face as it is shown. */
  get latent() {
    return edit(this.current.base, this.directions, this.current.strengths, this.distribution);
  }

  get isEdited() {
    return Object.values(this.current.strengths).some((strength) => strength !== 0);
  }

  /** Whether a seed and a truncation alone identify the face. */
  get hasSeed() {
    return this.current.seed !== null && !this.isEdited;
  }

  get label() {
    return this.current.label + (this.isEdited ? ", edited" : "");
  }

  /** @param {string} seed */
  async choose(seed, truncation = 1) {
    const [latent] = await this.source.latents([seed]);
    this.set({ base: truncate(latent, truncation), strengths: {}, seed, truncation, label: `Face ${seed}` });
  }

  /**
   * Show another face. A face that is not committed leaves no undo step.
   *
   * @param {Face} face
   */
  set(face, committed = true) {
    if (committed) {
      if (this.committed) this.past = [...this.past, this.committed].slice(-MAX_UNDO_STEPS);
      this.future = [];
      this.committed = face;
    }
    this.#show(face);
  }

  /**
   * Show a face that no seed has.
   *
   * @param {Latent} base
   * @param {string} label
   */
  setLatent(base, label, committed = true) {
    this.set({ base, strengths: {}, seed: null, truncation: 1, label }, committed);
  }

  /**
   * @param {string} attribute
   * @param {number} strength
   * @param {boolean} committed
   */
  setStrength(attribute, strength, committed) {
    const strengths = { ...this.current.strengths, [attribute]: strength };
    this.set({ ...this.current, strengths }, committed);
  }

  /** Remove all edits. */
  reset() {
    if (this.isEdited) this.set({ ...this.current, strengths: {} });
  }

  /** @param {Directions} directions */
  setDirections(directions) {
    this.directions = directions;
    this.dispatchEvent(new Event("directions"));
  }

  undo() {
    this.#travel(this.past, this.future);
  }

  redo() {
    this.#travel(this.future, this.past);
  }

  /**
   * @param {Face[]} from
   * @param {Face[]} to
   */
  #travel(from, to) {
    const face = from.pop();
    if (!face || !this.committed) return;
    to.push(this.committed);
    this.committed = face;
    this.#show(face);
  }

  /** @param {Face} face */
  #show(face) {
    this.face = face;
    this.dispatchEvent(new Event("change"));
  }
}
