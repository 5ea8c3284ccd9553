/** The current face, which all views share, with undo and redo. */
import { UserError } from "./errors.js";
import { isEdited, labelOf, mixFaces, resolveFace } from "./face.js";
import { edit } from "./latent-math.js";
import { formatLink } from "./links.js";

/** @import {Corner, Face, FaceDescription, Ingredient, Point} from "./face.js" */
/** @import {Latent} from "./latent-math.js" */
/** @import {Directions, Model, Source} from "./source.js" */

const MAX_UNDO_STEPS = 200;
const MAX_NAMED = 3; // unknown attributes of a link, which anybody may have written
const MAX_LETTERS = 40; // of each

/** Dispatches "change" when the face changes, and "directions" when the attribute directions do. */
export class FaceEditor extends EventTarget {
  /** @param {Source} source */
  constructor(source) {
    super();
    this.source = source;
    /** @type {Model | null} */
    this.model = null;
    /** @type {Face | null} */
    this.face = null;
    /** @type {Face | null} */
    this.committed = null;
    /** @type {Directions} */
    this.directions = { state: "searching", reason: "", names: [], vectors: [], accuracies: [] };
    this.opened = 0;
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
    return this.latentOf(this.current);
  }

  /**
   * @param {Face} face
   * @returns {Latent}
   */
  latentOf(face) {
    return edit(face.base, this.directions, face.strengths, this.model?.latent ?? "normal", face.held);
  }

  get isEdited() {
    return isEdited(this.current.strengths);
  }

  get isCommitted() {
    return this.face === this.committed;
  }

  /** The seed and the truncation, if they alone identify the face. */
  get seed() {
    const { origin } = this.current;
    return origin.kind === "seed" && !this.isEdited ? origin : null;
  }

  get label() {
    const pending = this.directions.state === "searching" ? "edit pending" : "edited";
    return labelOf(this.current.origin) + (this.isEdited ? ` (${pending})` : "");
  }

  /** The face as it is shown, as a corner of a plane. */
  get corner() {
    const { latent, seed } = this;
    /** @type {Ingredient} */
    const ingredient = seed ?? { kind: "latent", latent, label: this.label };
    return { ingredient, latent };
  }

  /**
   * Show the face of a link. Throws UserError if this model cannot draw or edit it so.
   *
   * @param {FaceDescription} description
   */
  async open(description) {
    if (!this.model) throw new Error("There is no model yet.");
    const mine = ++this.opened;
    const face = await resolveFace(description, this.source, this.model);
    if (mine !== this.opened) return; // another one was asked for meanwhile
    this.set(this.#known(face));
    this.#reportUnknown(face);
  }

  /** @param {string} seed */
  choose(seed, truncation = 1) {
    return this.open({ origin: { kind: "seed", seed, truncation }, strengths: {} });
  }

  /**
   * Show another face. A face that is not committed, or that is the committed one again, leaves no undo step.
   *
   * @param {Face} face
   * @param {boolean} [committed]
   * @param {boolean} [again] In place of the face that was committed last.
   */
  set(face, committed = true, again = false) {
    if (committed && again) this.committed = this.past.pop() ?? this.committed;
    if (committed && this.committed && formatLink(null, face) === formatLink(null, this.committed)) {
      this.committed = face;
    } else if (committed) {
      if (this.committed) this.past = [...this.past, this.committed].slice(-MAX_UNDO_STEPS);
      this.future = [];
      this.committed = face;
    }
    this.#show(face);
  }

  /**
   * Show a face that no seed has.
   *
   * @param {Latent} latent
   * @param {string} label
   */
  setLatent(latent, label) {
    this.set({ origin: { kind: "latent", latent, label }, strengths: {}, base: latent, corners: [] });
  }

  /**
   * @param {Corner[]} corners
   * @param {Point} point
   * @param {boolean} committed
   * @param {ImageData} [picture]
   */
  setMix(corners, point, committed, picture) {
    if (this.model) this.set({ ...mixFaces(corners, point, this.model), picture }, committed);
  }

  /**
   * @param {string} attribute
   * @param {number} strength
   * @param {boolean} committed
   * @param {boolean} again In place of the change before.
   */
  setStrength(attribute, strength, committed, again) {
    const strengths = { ...this.current.strengths, [attribute]: strength };
    this.set({ ...this.current, strengths, picture: undefined }, committed, again);
  }

  /**
   * Let edits of other attributes leave one alone, or no longer.
   *
   * @param {string} attribute
   * @param {boolean} hold
   */
  setHeld(attribute, hold) {
    const others = (this.current.held ?? []).filter((name) => name !== attribute);
    const held = hold ? [...others, attribute] : others;
    const face = { ...this.current, held, picture: undefined };
    if (this.isEdited) this.set(face);
    else this.#replace(face); // it looks the same
  }

  /** Remove all edits. */
  reset() {
    if (this.isEdited) this.set({ ...this.current, strengths: {}, picture: undefined });
  }

  /**
   * Take the attribute directions. Throws UserError if the current face is edited along others.
   *
   * @param {Directions} directions
   */
  setDirections(directions) {
    this.directions = directions;
    this.dispatchEvent(new Event("directions"));
    if (!this.face || !this.isEdited || directions.state === "searching") return;
    const { face } = this;
    this.#replace(this.#known(face));
    this.#reportUnknown(face);
  }

  get canUndo() {
    return this.past.length > 0 || !this.isCommitted;
  }

  undo() {
    if (!this.isCommitted && this.committed) this.#show(this.committed);
    else this.#travel(this.past, this.future);
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

  /**
   * The face without edits and held attributes that the model has no directions for; as it is while these are found.
   *
   * @param {Face} face
   * @returns {Face}
   */
  #known(face) {
    const { state, names } = this.directions;
    if (state === "searching") return face;
    const strengths = Object.entries(face.strengths).filter(([name]) => names.includes(name));
    const held = face.held?.filter((name) => names.includes(name));
    return { ...face, strengths: Object.fromEntries(strengths), held };
  }

  /** @param {Face} face */
  #reportUnknown({ strengths, held = [] }) {
    const { state, names } = this.directions;
    if (state === "searching") return;
    const unknown = [...new Set([...Object.keys(strengths), ...held])].filter(
      (name) => !names.includes(name),
    );
    if (unknown.length === 0) return;
    const some = unknown.slice(0, MAX_NAMED).map((name) => name.slice(0, MAX_LETTERS));
    const others = unknown.length > MAX_NAMED ? " and others" : "";
    throw new UserError(`This model has no attribute direction for ${some.join(", ")}${others}.`);
  }

  /**
   * Show a face in place of the current one, without an undo step.
   *
   * @param {Face} face
   */
  #replace(face) {
    if (this.isCommitted) this.committed = face;
    this.#show(face);
  }

  /** @param {Face} face */
  #show(face) {
    this.face = face;
    this.dispatchEvent(new Event("change"));
  }
}
