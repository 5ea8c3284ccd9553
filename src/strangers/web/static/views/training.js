/** Training: runs side by side, read while they are written. Nothing here changes them. */
import { chart } from "../chart.js";
import { h } from "../dom.js";

/** @import {Series} from "../chart.js" */
/** @import {Page, View} from "../page.js" */
/** @import {Curves, Run, ServerSource} from "../source.js" */

const POLL_MS = 2000;
const GRID_SEEDS = "Seeds 0 to 63";
/** @type {{[kind in Series["kind"]]: string}} */
const NETWORKS = { real: "D on real", fake: "D on fake", generator: "G" };
const STATES = { training: "training", idle: "not training", finished: "finished", pending: "not started" };
const NO_RUN = "No run to show. Name run folders: strangers serve runs/faces runs/other";

/**
 * @param {Page} page
 * @returns {View}
 */
export function trainingView(page) {
  const source = /** @type {ServerSource} */ (page.source); // only a server feeds this view
  /** @type {Map<string, RunCard>} */
  const cards = new Map();
  const columns = h("div", { class: "runs" });
  const note = h("p", { class: "note" }, page.missingModel);
  let round = 0; // of being shown: polling that an earlier one began ends

  const update = async (/** @type {Run} */ run) => {
    const card = cards.get(run.id) ?? new RunCard(source, run);
    if (!cards.has(run.id)) columns.append(card.element);
    cards.set(run.id, card);
    await card.update(run);
  };
  const poll = async (/** @type {number} */ mine) => {
    try {
      const { runs } = await source.runs();
      if (runs.length === 0) note.textContent = NO_RUN;
      for (const run of runs) await update(run);
    } catch (error) {
      page.fail(error);
    }
    if (mine === round) setTimeout(() => mine === round && poll(mine), POLL_MS);
  };
  const title = h("h1", { class: "visually-hidden" }, "Training");
  return {
    element: h("div", { class: "training" }, title, note, columns),
    show: () => poll(++round),
    hide: () => (round += 1),
  };
}

class RunCard {
  /**
   * @param {ServerSource} source
   * @param {Run} run
   */
  constructor(source, { id, title }) {
    this.source = source;
    this.revision = "";
    this.badge = h("span", { class: "badge" });
    this.bar = h("progress", { max: 1, value: 0, "aria-label": `Progress of ${title}` });
    this.facts = h("dl", { class: "facts" });
    this.warnings = h("ul", { class: "warnings", "aria-label": "Warnings" });
    this.history = new GridHistory(source, id, title);
    this.charts = h("div", { class: "charts" });
    this.recipe = h("details", { class: "recipe" }, h("summary", {}, "Recipe"));
    this.element = h(
      "article",
      { class: "card run", "aria-labelledby": `run-${id}` },
      h("div", { class: "run-title" }, h("h2", { id: `run-${id}` }, title), this.badge),
      this.bar,
      this.facts,
      this.warnings,
      this.history.element,
      this.charts,
      this.recipe,
    );
  }

  /** @param {Run} run */
  async update(run) {
    this.badge.textContent = STATES[run.state];
    this.badge.dataset.state = run.state;
    this.bar.max = run.budget || 1;
    this.bar.value = Math.min(run.images_seen, this.bar.max);
    this.bar.hidden = !run.budget;
    const facts = factsOf(run).map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value)));
    this.facts.replaceChildren(...facts);
    const warnings = run.warnings.map(({ images_seen, message }) =>
      h("li", {}, h("b", {}, `After ${count(images_seen)}: `), message),
    );
    this.warnings.replaceChildren(...warnings);
    this.warnings.hidden = run.warnings.length === 0;
    if (this.recipe.children.length === 1) this.recipe.append(recipeTable(run.recipe));
    await this.history.update(run.samples);
    if (this.revision !== run.revision) this.#drawCharts(await this.source.log(run.id));
    this.revision = run.revision;
  }

  /** @param {Curves} curves */
  #drawCharts({ columns, metrics }) {
    /** @type {[string, Series[]][]} */
    const charts = [
      ["Loss", seriesOf(columns, "loss")],
      ["Accuracy", seriesOf(columns, "accuracy")],
    ];
    for (const [name, { images_seen, values }] of Object.entries(metrics)) {
      charts.push([name, [{ name, kind: "generator", x: images_seen, y: values, dots: true }]]);
    }
    const filled = charts.filter(([, all]) => all.some(({ y }) => y.length));
    this.charts.replaceChildren(...filled.map(([name, all]) => chart(name, all)));
  }
}

/**
 * @param {Curves["columns"]} columns
 * @param {string} quantity
 * @returns {Series[]}
 */
function seriesOf(columns, quantity) {
  const kinds = /** @type {Series["kind"][]} */ (Object.keys(NETWORKS));
  return kinds.map((kind) => ({
    name: NETWORKS[kind],
    kind,
    x: columns.images_seen ?? [],
    y: columns[`${kind}_${quantity}`] ?? [],
  }));
}

/** The grid of the same faces at each interval, under a time slider. */
class GridHistory {
  /**
   * @param {ServerSource} source
   * @param {string} run
   * @param {string} title
   */
  constructor(source, run, title) {
    this.source = source;
    this.run = run;
    /** @type {string[]} */
    this.samples = [];
    /** @type {string | null} */
    this.shown = null;
    this.image = h("img", { alt: "", decoding: "async" });
    const name = `Time in ${title}`;
    this.time = h("input", { type: "range", min: 0, max: 0, step: 1, value: 0, "aria-label": name });
    this.caption = h("figcaption");
    this.element = h("figure", { class: "history", hidden: true }, this.image, this.time, this.caption);
    this.time.addEventListener("input", () => this.#show());
  }

  /** @param {string[]} samples */
  async update(samples) {
    const wasLast = this.time.valueAsNumber >= this.samples.length - 1;
    this.samples = samples;
    this.element.hidden = samples.length === 0;
    this.time.max = String(Math.max(0, samples.length - 1));
    if (wasLast) this.time.value = this.time.max;
    await this.#show();
  }

  async #show() {
    const sample = this.samples[this.time.valueAsNumber];
    if (!sample || sample === this.shown) return;
    this.shown = sample;
    const label = `${GRID_SEEDS} after ${count(parseInt(sample, 10) * 1000)} images`;
    this.time.setAttribute("aria-valuetext", label);
    this.caption.textContent = label;
    const blob = await this.source.grid(this.run, sample).catch(() => null); // it may have been pruned
    if (!blob || this.shown !== sample) return;
    URL.revokeObjectURL(this.image.src);
    this.image.src = URL.createObjectURL(blob);
    this.image.alt = label;
  }
}

/**
 * @param {Run} run
 * @returns {[name: string, value: string][]}
 */
function factsOf(run) {
  const speed = run.images_per_second;
  /** @type {[string, string][]} */
  const facts = [["Images", count(run.images_seen) + (run.budget ? ` of ${count(run.budget)}` : "")]];
  if (speed) facts.push(["Speed", `${speed.toFixed(speed < 10 ? 1 : 0)} img/s`]);
  if (run.seconds) facts.push(["Time", duration(run.seconds)]);
  const left = run.state === "training" ? run.seconds_left : null;
  if (left !== null) facts.push(["Time left", duration(left)]);
  for (const [name, value] of Object.entries(run.metrics)) facts.push([name, value.toPrecision(4)]);
  return facts;
}

/** @param {Run["recipe"]} recipe */
function recipeTable(recipe) {
  const rows = Object.entries(recipe).map(([name, value]) =>
    h("tr", {}, h("th", { scope: "row" }, name), h("td", {}, String(value))),
  );
  return h("table", {}, h("tbody", {}, ...rows));
}

/** @param {number} number */
function count(number) {
  return number.toLocaleString("en-US");
}

/** @param {number} seconds */
function duration(seconds) {
  if (seconds < 60) return `${Math.round(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, "0")} min`;
}
