/** Learn: a small GAN that trains in this tab, before the visitor's eyes. */
import { chart } from "../chart.js";
import { button, context2d, h } from "../dom.js";
import { Controls } from "../learn/controls.js";
import { FACES } from "../learn/gan.js";
import { histogram } from "../learn/histogram.js";
import { SIDE } from "../learn/networks.js";
import { Trainer, cutSheet } from "../learn/trainer.js";
import { pictureButton, readPhotographs } from "../pictures.js";

/** @import {Page, View} from "../page.js" */
/** @import {Report} from "../learn/worker.js" */

const COLUMNS = Math.sqrt(FACES);
const REAL_SHOWN = COLUMNS; // one row of real faces
const MAX_POINTS = 300; // of a chart; then every second one is dropped
const PRIVACY = "Everything happens in this tab: no picture leaves it.";
const DRAWN = "drawn by a program, each trait at random";

/**
 * @param {Page} page
 * @returns {View}
 */
export function build(page) {
  const lesson = new Lesson(page);
  return {
    element: lesson.element,
    show: () => page.attempt(() => lesson.open()),
    hide: () => lesson.run(false), // nothing is computed where nobody looks
  };
}

class Lesson {
  /** @param {Page} page */
  constructor(page) {
    this.page = page;
    /** @type {Trainer | null} */
    this.trainer = null;
    /** @type {ImageData[]} */
    this.drawn = []; // by a program
    this.pictures = this.drawn; // the real ones: drawn or the visitor's
    this.isRunning = false;
    /** @type {Report[]} */
    this.history = [];
    this.every = 1; // report that is kept
    this.reports = 0;
    const side = COLUMNS * SIDE;
    this.faces = h("canvas", { class: "learn-faces", role: "img", width: side, height: side });
    this.faces.setAttribute("aria-label", `${FACES} faces of the forger`);
    this.reals = h("canvas", { class: "learn-faces", role: "img", width: side, height: SIDE });
    this.reals.setAttribute("aria-label", "Some of the real faces");
    this.origin = h("span", {}, DRAWN);
    this.status = h("p", { class: "note", role: "status" });
    this.facts = h("dl", { class: "facts" });
    this.charts = h("div", { class: "charts" });
    this.runButton = button("Start", () => this.run(!this.isRunning), { class: "first", disabled: true });
    this.drawnButton = button("Use drawn faces", () => this.#useDrawn(), { hidden: true });
    this.restartButton = button("Start over", () => this.#restart(), { disabled: true });
    this.controls = new Controls((settings) => this.trainer?.set(settings));
    const title = h("h1", {}, "The forger and the detective");
    const charts = h("div", { class: "card" }, this.charts);
    const { experiments, element: settings } = this.controls;
    const right = h("div", { class: "column" }, experiments, charts, settings);
    this.element = h(
      "div",
      { class: "learn" },
      title,
      h("div", { class: "learn-columns" }, this.#board(), right),
    );
    this.#drawCharts();
  }

  #board() {
    const choose = pictureButton(["Use my pictures"], (files) =>
      this.page.attempt(() => this.#takePictures(files)),
    );
    return h(
      "div",
      { class: "card learn-board" },
      h(
        "figure",
        {},
        this.faces,
        h("figcaption", {}, "The forger's faces, always of the same random numbers"),
      ),
      h("div", { class: "buttons" }, this.runButton, this.restartButton, ...choose, this.drawnButton),
      h("figure", {}, this.reals, h("figcaption", {}, "Some of the real faces, ", this.origin)),
      this.facts,
      this.status,
    );
  }

  /** Get the worker and the faces, the first time. */
  async open() {
    if (this.trainer) return;
    const { source } = this.page;
    this.status.textContent = "Loading the drawn faces…";
    const [sheet, worker] = await Promise.all([source.drawnFaces(), source.trainer()]).finally(
      () => (this.status.textContent = PRIVACY),
    );
    const isDrawn = this.pictures === this.drawn; // or the visitor was quicker
    this.drawn = await cutSheet(sheet);
    if (isDrawn) this.pictures = this.drawn;
    this.trainer = new Trainer(
      worker,
      (report) => this.#show(report),
      (error) => this.page.fail(error),
    );
    this.#restart();
    this.runButton.disabled = false;
    this.restartButton.disabled = false;
  }

  /** @param {boolean} running */
  run(running) {
    this.isRunning = running;
    this.trainer?.run(running);
    this.runButton.textContent = running ? "Pause" : "Start";
    this.element.dataset.running = String(running);
  }

  /** New networks, which know nothing yet. */
  #restart() {
    const wasRunning = this.isRunning;
    this.history = [];
    [this.every, this.reports] = [1, 0];
    this.trainer?.start(this.pictures, crypto.getRandomValues(new Uint32Array(1))[0]);
    this.trainer?.set(this.controls.settings);
    if (wasRunning) this.run(true);
    const context = context2d(this.reals);
    context.clearRect(0, 0, this.reals.width, this.reals.height);
    const some = this.pictures.slice(0, REAL_SHOWN);
    some.forEach((picture, i) => context.putImageData(picture, i * SIDE, 0));
    this.#drawCharts();
  }

  /** @param {File[]} files */
  async #takePictures(files) {
    const pictures = await readPhotographs(files, SIDE);
    this.#use(pictures, `${pictures.length} picture${pictures.length === 1 ? "" : "s"} of yours`);
  }

  #useDrawn() {
    this.#use(this.drawn, DRAWN);
    this.runButton.focus(); // the button that was pressed is gone
  }

  /**
   * Start over with other real faces.
   *
   * @param {ImageData[]} pictures
   * @param {string} origin
   */
  #use(pictures, origin) {
    this.pictures = pictures;
    this.origin.textContent = origin;
    this.drawnButton.hidden = pictures === this.drawn;
    this.page.announce(`The real faces are ${origin}.`);
    this.#restart();
  }

  /** @param {Report} report */
  #show(report) {
    const image = context2d(this.faces);
    const bytes = 4 * SIDE * SIDE;
    for (let i = 0; i < FACES; i++) {
      const face = new ImageData(report.faces.slice(i * bytes, (i + 1) * bytes), SIDE, SIDE);
      image.putImageData(face, (i % COLUMNS) * SIDE, Math.floor(i / COLUMNS) * SIDE);
    }
    this.element.dataset.images = String(report.images);
    this.element.dataset.distance = report.distance.toFixed(2);
    this.element.dataset.variety = report.variety.toFixed(3);
    const facts = {
      Images: report.images.toLocaleString("en-US"),
      Speed: report.images ? `${Math.round(report.rate)} img/s` : "–",
      "Distance of the mean face": `${report.distance.toFixed(1)} of 255`,
      Variety: `${Math.round(100 * report.variety)}% of the real one`,
    };
    const items = Object.entries(facts).map(([name, value]) =>
      h("div", {}, h("dt", {}, name), h("dd", {}, value)),
    );
    this.facts.replaceChildren(...items);
    if (report.images === 0) return;
    this.#keep(report);
    this.#drawCharts();
  }

  /** @param {Report} report */
  #keep(report) {
    if (this.reports++ % this.every) this.history.pop(); // the latest one is always the last
    this.history.push(report);
    if (this.history.length < MAX_POINTS) return;
    this.history = this.history.filter((_, i) => i % 2 === 0);
    this.every *= 2;
  }

  #drawCharts() {
    const { history } = this;
    const x = history.map(({ images }) => images);
    const column = (/** @type {"real" | "fake" | "generatorLoss" | "discriminatorLoss"} */ field) =>
      history.map((report) => (Number.isFinite(report[field]) ? report[field] : null));
    const latest = history.at(-1);
    this.charts.replaceChildren(
      histogram(latest?.realCounts ?? [], latest?.fakeCounts ?? []),
      chart("The detective's mean opinion, 1 = real", [
        { name: "Real faces", kind: "real", x, y: column("real") },
        { name: "Forged faces", kind: "fake", x, y: column("fake") },
      ]),
      chart("Losses", [
        { name: "Detective", kind: "real", x, y: column("discriminatorLoss") },
        { name: "Forger", kind: "generator", x, y: column("generatorLoss") },
      ]),
    );
  }
}
