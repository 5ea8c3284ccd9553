/**
 * The current face, which all views share: {base, strengths, seed, truncation, label}.
 *
 * base is its latent without edits, truncation included; seed is null where no seed gives that latent.
 * "change" events tell of every new one. What was committed can be undone.
 */
import { edited, truncated } from "./latent.js";

const MOST_STEPS = 200;

export class Current extends EventTarget {
  constructor(source) {
    super();
    this.source = source;
    this.face = null;
    this.distribution = "normal";
    this.directions = { state: "finding", names: [], vectors: [], accuracies: [] };
    this.past = [];
    this.future = [];
  }

  /** The latent of the face as it is shown. */
  get latent() {
    return edited(this.face.base, this.directions, this.face.strengths, this.distribution);
  }

  get isEdited() {
    return Object.values(this.face.strengths).some((strength) => strength !== 0);
  }

  /** Whether the face is one that a seed and a truncation name. */
  get isNamed() {
    return this.face.seed !== null && !this.isEdited;
  }

  get label() {
    return this.face.label + (this.isEdited ? ", edited" : "");
  }

  async choose(seed, truncation = 1) {
    const [latent] = await this.source.latents([seed]);
    this.set({ base: truncated(latent, truncation), strengths: {}, seed, truncation, label: `Face ${seed}` });
  }

  /** Show another face; unless it is committed, the next one replaces it in the history. */
  set(face, committed = true) {
    if (committed) {
      if (this.committed) this.past = [...this.past, this.committed].slice(-MOST_STEPS);
      this.future = [];
      this.committed = face;
    }
    this.#show(face);
  }

  strengthen(name, strength, committed) {
    this.set({ ...this.face, strengths: { ...this.face.strengths, [name]: strength } }, committed);
  }

  undo() {
    this.#travel(this.past, this.future);
  }

  redo() {
    this.#travel(this.future, this.past);
  }

  #travel(from, to) {
    if (from.length === 0) return;
    to.push(this.committed);
    this.committed = from.pop();
    this.#show(this.committed);
  }

  #show(face) {
    this.face = face;
    this.dispatchEvent(new Event("change"));
  }
}
