/** Training: runs side by side, read while they are written. Nothing here changes them. */
import { chart } from "../chart.js";
import { h } from "../dom.js";
import { GridHistory } from "../grid-history.js";
import { count } from "../numbers.js";
import { Slider } from "../slider.js";

/** @import {ChartOptions, Series} from "../chart.js" */
/** @import {Page, View} from "../page.js" */
/** @import {Curves, Run, ServerSource} from "../source.js" */

const POLL_MS = 2000;
const KINDS = /** @type {const} */ (["real", "fake", "generator"]); // of the lines of runs that are compared
/** @type {{[kind in Series["kind"]]: string}} */
const NETWORKS = { real: "D on real", fake: "D on fake", generator: "G" };
const STATES = { training: "training", idle: "not training", finished: "finished", pending: "not started" };

/**
 * @param {Page} page
 * @returns {View}
 */
export function build(page) {
  const source = /** @type {ServerSource} */ (page.source); // only a server feeds this view
  /** @type {Map<string, RunCard>} */
  const cards = new Map();
  const columns = h("div", { class: "runs" });
  const note = h("p", { class: "note" }, page.missingModel);
  let round = 0; // of being shown: polling that an earlier one began ends

  const comparison = new Comparison();
  const redraw = () => {
    for (const card of cards.values()) card.drawCharts(controls.options);
    comparison.draw([...cards.values()], controls.options);
  };
  const controls = new ChartControls(redraw);

  const update = async (/** @type {Run} */ run) => {
    const card = cards.get(run.id) ?? new RunCard(source, run);
    if (!cards.has(run.id)) columns.append(card.element);
    cards.set(run.id, card);
    return card.update(run);
  };
  const poll = async (/** @type {number} */ mine) => {
    try {
      const { runs } = await source.runs();
      let changed = false;
      for (const run of runs) changed = (await update(run)) || changed;
      if (changed) redraw();
    } catch (error) {
      page.fail(error);
    }
    if (mine === round) setTimeout(() => mine === round && poll(mine), POLL_MS);
  };
  const title = h("h1", { class: "visually-hidden" }, "Training");
  return {
    element: h("div", { class: "training" }, title, note, controls.element, comparison.element, columns),
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
    this.title = title;
    /** @type {Curves | null} */
    this.curves = null;
    /** @type {{x: number, text: string}[]} */
    this.marks = [];
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

  /**
   * Show the state of the run. Return whether its curves are new.
   *
   * @param {Run} run
   */
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
    if (this.revision === run.revision) return false;
    this.curves = await this.source.log(run.id);
    this.marks = run.warnings.map(({ images_seen, message }) => ({ x: images_seen, text: message }));
    this.revision = run.revision;
    return true;
  }

  /** @param {ChartOptions} options */
  drawCharts(options) {
    if (!this.curves) return;
    const { columns, metrics } = this.curves;
    /** @type {[string, Series[]][]} */
    const charts = [
      ["Loss", seriesOf(columns, "loss")],
      ["Accuracy", seriesOf(columns, "accuracy")],
    ];
    for (const [name, { images_seen, values }] of Object.entries(metrics)) {
      charts.push([name, [{ name, kind: "generator", x: images_seen, y: values, dots: true }]]);
    }
    const filled = charts.filter(([, all]) => all.some(({ y }) => y.length));
    this.charts.replaceChildren(
      ...filled.map(([name, all]) => chart(name, all, { ...options, marks: this.marks })),
    );
  }
}

/** Settings of all charts: smoothing and scale. */
class ChartControls {
  /** @param {() => void} changed */
  constructor(changed) {
    /** @type {ChartOptions} */
    this.options = { smoothing: 0, log: false };
    const smoothing = new Slider({
      name: "Smoothing",
      min: 0,
      max: 0.95,
      step: 0.05,
      value: 0,
      format: (value) => value.toFixed(2),
      changed: (value) => {
        this.options.smoothing = value;
        changed();
      },
    });
    const log = h("input", { type: "checkbox" });
    log.addEventListener("change", () => {
      this.options.log = log.checked;
      changed();
    });
    const scale = h("label", {}, log, "Logarithmic scale");
    this.element = h("div", { class: "chart-controls" }, smoothing.element, scale);
  }
}

/** The curves of several runs in the same charts. */
class Comparison {
  constructor() {
    this.charts = h("div", { class: "charts" });
    const title = h("h2", { id: "compared" }, "Compared");
    const attributes = { class: "card run", "aria-labelledby": "compared", hidden: true };
    this.element = h("article", attributes, title, this.charts);
  }

  /**
   * @param {RunCard[]} cards
   * @param {ChartOptions} options
   */
  draw(cards, options) {
    const compared = cards.filter(({ curves }) => curves?.columns.images_seen).slice(0, KINDS.length);
    this.element.hidden = compared.length < 2;
    if (compared.length < 2) return;
    const names = new Set(compared.flatMap(({ curves }) => Object.keys(curves?.metrics ?? {})));
    /** @type {[string, (curves: Curves) => {x: (number | null)[], y: (number | null)[]} | null][]} */
    const quantities = [
      ["G loss", ({ columns }) => ({ x: columns.images_seen, y: columns.generator_loss ?? [] })],
      ["D accuracy on real", ({ columns }) => ({ x: columns.images_seen, y: columns.real_accuracy ?? [] })],
    ];
    for (const name of names) {
      quantities.push([
        name,
        ({ metrics }) => metrics[name] && { x: metrics[name].images_seen, y: metrics[name].values },
      ]);
    }
    const charts = quantities.map(([name, read]) => {
      const series = compared.flatMap(({ curves, title }, i) => {
        const values = curves && read(curves);
        return values ? [{ name: title, kind: KINDS[i], dots: names.has(name), ...values }] : [];
      });
      return series.some(({ y }) => y.length) ? chart(name, series, options) : null;
    });
    this.charts.replaceChildren(...charts.filter((each) => each !== null));
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

/** @param {number} seconds */
function duration(seconds) {
  if (seconds < 60) return `${Math.round(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, "0")} min`;
}
