/** A walk along the edges of the plane, from A to B to C and back to A, played or moved by hand. */
import { button, download, h } from "./dom.js";
import { labelOf, mixFaces } from "./face.js";
import { movie, writesMovies } from "./movie.js";
import { Slider } from "./slider.js";

/** @import {Point} from "./face.js" */
/** @import {Page} from "./page.js" */
/** @import {Plane} from "./plane.js" */

const FRAMES_PER_LEG = 24;
const FRAMES = 3 * FRAMES_PER_LEG;
const SAVED_FRAMES_PER_SECOND = 16;
const FRAMES_PER_SECOND = matchMedia("(prefers-reduced-motion: reduce)").matches ? 4 : 16;

export class Walk {
  /**
   * @param {Page} page
   * @param {Plane} plane
   */
  constructor(page, plane) {
    this.page = page;
    this.plane = plane;
    this.frame = 0;
    this.playing = false;
    this.round = 0; // of playing: faces of an earlier one come too late
    /** @type {ReturnType<typeof setInterval> | undefined} */
    this.timer = undefined;
    const toggle = () => (this.playing ? this.stop() : page.attempt(() => this.play()));
    this.button = button("Play", toggle, { class: "first" });
    this.position = new Slider({
      name: "Position",
      min: 0,
      max: FRAMES,
      step: 1,
      value: 0,
      format: (frame) => `${Math.round((100 * frame) / FRAMES)}%`,
      changed: (frame, done) => this.#choose(frame, done),
    });
    this.note = h("p", { class: "note" });
    const webp = button("Save WebP", () => page.attempt(() => this.#save()));
    const mp4 = button("Save MP4", () => page.attempt(() => this.#record(mp4)), { hidden: !writesMovies });
    this.element = h(
      "section",
      { class: "card walk", "aria-labelledby": "walk-title" },
      h("h2", { id: "walk-title" }, "Walk"),
      this.note,
      h("div", { class: "player" }, this.button, this.position.element),
      h("div", { class: "buttons" }, webp, mp4),
    );
    page.editor.addEventListener("change", () => this.update());
    plane.onCorners = () => this.update();
  }

  async play() {
    if (!this.plane.ready) return;
    this.#setPlaying(true);
    const mine = ++this.round;
    const { corners } = this.plane;
    const faces = await this.page.source.faces({ latents: this.#mixes().map(({ base }) => base) });
    if (!this.playing || mine !== this.round) return;
    this.timer = setInterval(() => {
      this.frame = (this.frame + 1) % FRAMES;
      this.page.editor.setMix(corners, pointAt(this.frame), false, faces[this.frame]);
    }, 1000 / FRAMES_PER_SECOND);
  }

  /** The faces of all frames, the first one at A. */
  #mixes() {
    const { corners } = this.plane;
    return Array.from({ length: FRAMES }, (_, frame) => mixFaces(corners, pointAt(frame), this.page.model));
  }

  async #save() {
    if (!this.plane.ready) return;
    const latents = this.#mixes().map(({ base }) => base);
    download(await this.page.source.walk(latents, SAVED_FRAMES_PER_SECOND), "walk.webp");
    this.page.notify("Saved as walk.webp.");
  }

  /** @param {HTMLButtonElement} pressed */
  async #record(pressed) {
    if (!this.plane.ready) return;
    const faces = await this.page.source.faces({ latents: this.#mixes().map(({ base }) => base) });
    this.page.notify(
      `Recording ${Math.round(FRAMES / SAVED_FRAMES_PER_SECOND)} seconds. Keep this tab open.`,
    );
    pressed.disabled = true;
    try {
      download(await movie(faces, SAVED_FRAMES_PER_SECOND), "walk.mp4");
    } finally {
      pressed.disabled = false;
    }
    this.page.notify("Saved as walk.mp4.");
  }

  /** Stop playing. The face that is shown becomes the current one. */
  stop() {
    if (!this.playing) return;
    this.#setPlaying(false);
    const { editor } = this.page;
    if (editor.face && !editor.isCommitted) editor.set(editor.face);
  }

  /** @param {boolean} playing */
  #setPlaying(playing) {
    this.playing = playing;
    this.button.textContent = playing ? "Pause" : "Play";
    if (!playing) clearInterval(this.timer);
  }

  /**
   * @param {number} frame
   * @param {boolean} committed
   */
  #choose(frame, committed) {
    this.#setPlaying(false);
    this.frame = frame;
    if (this.plane.ready) this.page.editor.setMix(this.plane.corners, pointAt(frame), committed);
  }

  /** Be where the current face is on the walk. Any other face that is chosen ends it. */
  update() {
    if (!this.element.isConnected) return;
    const { current, isCommitted } = this.page.editor;
    if (isCommitted) this.#setPlaying(false);
    const [a, b, c] = this.plane.corners.map(({ ingredient }) => labelOf(ingredient));
    this.note.textContent = this.plane.ready ? `From ${a} to ${b} to ${c} and back to ${a}.` : "";
    const point = current.origin.kind === "mix" ? current.origin.point : [0, 0];
    if (String(pointAt(this.frame)) !== String(point)) {
      const frames = Array.from({ length: FRAMES }, (_, frame) => frame);
      this.frame = frames.find((frame) => String(pointAt(frame)) === String(point)) ?? this.frame;
    }
    this.position.set(this.frame);
  }
}

/**
 * The point of the plane at a frame of the walk.
 *
 * @param {number} frame
 * @returns {Point}
 */
function pointAt(frame) {
  const leg = Math.floor((frame % FRAMES) / FRAMES_PER_LEG);
  const along = Number(((frame % FRAMES_PER_LEG) / FRAMES_PER_LEG).toFixed(3));
  const back = Number((1 - along).toFixed(3));
  return /** @type {Point[]} */ ([
    [along, 0],
    [back, along],
    [0, back],
  ])[leg];
}
