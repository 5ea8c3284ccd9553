/** Training: runs side by side, as they are written. Nothing here changes them. */
import { chart } from "../chart.js";
import { h } from "../elements.js";

const EVERY = 2000; // milliseconds
const WHO = { real: "D on real", fake: "D on fake", generator: "G" };
const STATES = { training: "training", quiet: "not training now", finished: "finished", new: "not begun" };

export function trainingView(page) {
  const cards = new Map();
  const columns = h("div", { class: "runs" });
  const note = h("p", { class: "note" }, page.why);
  const element = h(
    "div",
    { class: "training" },
    h("h1", { class: "visually-hidden" }, "Training"),
    note,
    columns,
  );
  let round = 0; // of being shown: what an earlier one began ends there

  async function refresh(mine) {
    try {
      const { runs } = await page.source.runs();
      if (runs.length === 0)
        note.textContent = "No run was given. Name run folders: strangers serve runs/faces runs/other";
      for (const run of runs) {
        if (!cards.has(run.id)) {
          cards.set(run.id, runCard(page, run));
          columns.append(cards.get(run.id).element);
        }
        await cards.get(run.id).update(run);
      }
    } catch (error) {
      page.fail(error);
    }
    if (mine === round) setTimeout(() => mine === round && refresh(mine), EVERY);
  }

  return {
    element,
    show: () => refresh(++round),
    hide: () => (round += 1),
  };
}

function runCard(page, first) {
  const title = h("h2", { id: `run-${first.id}` }, first.title);
  const badge = h("span", { class: "badge" });
  const bar = h("progress", { max: 1, value: 0, "aria-label": `Progress of ${first.title}` });
  const facts = h("dl", { class: "facts" });
  const warnings = h("ul", { class: "warnings", "aria-label": "Warnings" });
  const history = gridHistory(page, first);
  const panels = h("div", { class: "charts" });
  const recipe = h("details", { class: "recipe" }, h("summary", {}, "Recipe"));
  const element = h(
    "article",
    { class: "card run", "aria-labelledby": `run-${first.id}` },
    h("div", { class: "run-title" }, title, badge),
    bar,
    facts,
    warnings,
    history.element,
    panels,
    recipe,
  );
  let stamp = "";

  async function update(run) {
    badge.textContent = STATES[run.state];
    badge.dataset.state = run.state;
    bar.max = run.budget || 1;
    bar.value = Math.min(run.images, bar.max);
    bar.hidden = !run.budget;
    facts.replaceChildren(
      ...Object.entries(factsOf(run)).map(([name, value]) =>
        h("div", {}, h("dt", {}, name), h("dd", {}, value)),
      ),
    );
    warnings.replaceChildren(
      ...run.warnings.map(({ images, sentence }) =>
        h("li", {}, h("b", {}, `After ${count(images)}: `), sentence),
      ),
    );
    warnings.hidden = run.warnings.length === 0;
    if (recipe.children.length === 1) recipe.append(tableOf(run.recipe));
    await history.update(run.samples);
    if (stamp !== run.stamp) drawCharts(await page.source.log(run.id));
    stamp = run.stamp;
  }

  function drawCharts({ lines, measures }) {
    const series = (kind) =>
      Object.entries(WHO).map(([who, name]) => ({
        name,
        kind: who,
        x: lines.images ?? [],
        y: lines[`${who}_${kind}`] ?? [],
      }));
    const known = [
      ["Loss", series("loss")],
      ["Accuracy", series("accuracy")],
      ...Object.entries(measures).map(([name, { images, values }]) => [
        name,
        [{ name, kind: "generator", x: images, y: values, dots: true }],
      ]),
    ];
    panels.replaceChildren(
      ...known.filter(([, all]) => all.some(({ y }) => y.length)).map(([name, all]) => chart(name, all)),
    );
  }

  return { element, update };
}

/** The grid of the same faces at each interval, under a slider of time. */
function gridHistory(page, run) {
  const image = h("img", { alt: "", decoding: "async" });
  const time = h("input", {
    type: "range",
    min: 0,
    max: 0,
    step: 1,
    value: 0,
    "aria-label": `Time in ${run.title}`,
  });
  const words = h("figcaption", {});
  const element = h("figure", { class: "history", hidden: true }, image, time, words);
  let samples = [];
  let shown = null;

  async function show() {
    const sample = samples[time.valueAsNumber];
    if (!sample || sample === shown) return;
    shown = sample;
    const label = `Seeds 0 to 63 after ${count(parseInt(sample, 10) * 1000)} images`;
    time.setAttribute("aria-valuetext", label);
    words.textContent = label;
    const blob = await page.source.grid(run.id, sample).catch(() => null); // it may have been pruned
    if (!blob || shown !== sample) return;
    URL.revokeObjectURL(image.src);
    image.src = URL.createObjectURL(blob);
    image.alt = label;
  }

  async function update(names) {
    const last = time.valueAsNumber === samples.length - 1 || samples.length === 0;
    samples = names;
    element.hidden = samples.length === 0;
    time.max = Math.max(0, samples.length - 1);
    if (last) time.value = time.max;
    await show();
  }

  time.addEventListener("input", show);
  return { element, update };
}

function factsOf(run) {
  const facts = { Images: count(run.images) + (run.budget ? ` of ${count(run.budget)}` : "") };
  if (run.images_per_second)
    facts.Speed = `${run.images_per_second.toFixed(run.images_per_second < 10 ? 1 : 0)} img/s`;
  if (run.seconds) facts.Trained = duration(run.seconds);
  if (run.seconds_left !== null) facts.Left = duration(run.seconds_left);
  for (const [name, value] of Object.entries(run.measures)) facts[name] = value.toPrecision(4);
  return facts;
}

function tableOf(recipe) {
  const rows = Object.entries(recipe).map(([name, value]) =>
    h("tr", {}, h("th", { scope: "row" }, name), h("td", {}, String(value))),
  );
  return h("table", {}, h("tbody", {}, ...rows));
}

function count(number) {
  return number.toLocaleString("en");
}

function duration(seconds) {
  if (seconds < 60) return `${Math.round(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, "0")} min`;
}
