/** A walk through latent space, from A to B to C and back to A, played or moved by hand. */
import { button, h, slider } from "./dom.js";
import { interpolate } from "./latent-math.js";

/** @import {Page} from "./page.js" */
/** @import {Plane} from "./plane.js" */
/** @import {Portrait} from "./portrait.js" */

const FRAMES_PER_LEG = 24;
const FRAMES = 3 * FRAMES_PER_LEG;
const FRAMES_PER_SECOND = matchMedia("(prefers-reduced-motion: reduce)").matches ? 4 : 16;

export class Walk {
  /**
   * @param {Page} page
   * @param {Plane} plane
   * @param {Portrait} portrait
   */
  constructor(page, plane, portrait) {
    this.page = page;
    this.plane = plane;
    this.portrait = portrait;
    this.frame = 0;
    this.playing = false;
    this.round = 0; // of playing: faces of an earlier one come too late
    /** @type {ReturnType<typeof setInterval> | undefined} */
    this.timer = undefined;
    const toggle = () => (this.playing ? this.stop() : page.attempt(() => this.play()));
    this.button = button("Play", toggle, { class: "first" });
    this.position = slider({
      name: "Position",
      min: 0,
      max: FRAMES,
      step: 1,
      value: 0,
      format: (frame) => `${Math.round((100 * frame) / FRAMES)}%`,
      changed: (frame, done) => plane.ready && this.#choose(frame, done),
    });
    this.element = h(
      "div",
      {},
      h("h2", { id: "walk-title" }, "Walk"),
      h("p", { class: "note" }, "From A to B to C and back to A."),
      h("div", { class: "player" }, this.button, this.position.element),
    );
  }

  async play() {
    this.playing = true;
    this.button.textContent = "Pause";
    const mine = ++this.round;
    const latents = Array.from({ length: FRAMES }, (_, frame) => this.#latentAt(frame));
    const faces = await this.page.source.faces({ latents });
    if (!this.playing || mine !== this.round) return;
    this.timer = setInterval(() => {
      this.frame = (this.frame + 1) % FRAMES;
      this.portrait.show(faces[this.frame]);
      this.position.set(this.frame);
    }, 1000 / FRAMES_PER_SECOND);
  }

  stop() {
    if (!this.playing) return;
    clearInterval(this.timer);
    this.playing = false;
    this.button.textContent = "Play";
    this.#choose(this.frame, true);
  }

  /** @param {number} frame */
  #latentAt(frame) {
    const along = (frame % FRAMES) / FRAMES_PER_LEG;
    const from = Math.floor(along);
    const share = along - from;
    const { latents } = this.plane;
    return interpolate([latents[from], latents[(from + 1) % 3]], [1 - share, share], this.page.model.latent);
  }

  /**
   * @param {number} frame
   * @param {boolean} committed
   */
  #choose(frame, committed) {
    this.frame = frame;
    this.page.editor.setLatent(this.#latentAt(frame), "On the walk", committed);
  }
}
