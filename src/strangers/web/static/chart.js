/** A line chart, drawn as SVG: values against images seen, described in words too. */
import { h, s } from "./dom.js";

/**
 * @typedef {object} Series
 * @property {string} name
 * @property {"real" | "fake" | "generator"} kind Its color.
 * @property {(number | null)[]} x
 * @property {(number | null)[]} y null is a gap.
 * @property {boolean} [dots]
 */

/**
 * @typedef {object} ChartOptions
 * @property {number} [smoothing] Weight of the values before, from 0 to below 1.
 * @property {boolean} [log] Whether values have a logarithmic scale.
 * @property {{x: number, text: string}[]} [marks] Events on the axis of images seen.
 */

const WIDTH = 320;
const HEIGHT = 170;
const MARGIN = { left: 38, right: 8, top: 8, bottom: 22 };
const INNER = { width: WIDTH - MARGIN.left - MARGIN.right, height: HEIGHT - MARGIN.top - MARGIN.bottom };
const TICKS = 4;
const MAX_LOG_RANGE = 1e4;
const NO_VALUES = "no values yet";

/** The mapping of values to the chart's coordinates. */
class Scale {
  /**
   * @param {Series[]} series
   * @param {boolean} log
   */
  constructor(series, log) {
    this.right = Math.max(1, ...series.map(({ x }) => x.at(-1) ?? 0));
    this.top = roundUp(Math.max(1e-9, ...series.flatMap(({ y }) => withoutSpikes(y))));
    const positive = series.flatMap(({ y }) => y.filter((value) => value !== null && value > 0));
    const lowest = Math.min(this.top / 10, .../** @type {number[]} */ (positive));
    this.bottom = log ? Math.max(lowest, this.top / MAX_LOG_RANGE) : 0; // a logarithmic scale has no zero
    this.log = log;
  }

  /** @param {number | null} value */
  x(value) {
    return MARGIN.left + ((value ?? 0) / this.right) * INNER.width;
  }

  /** @param {number} value */
  y(value) {
    const inside = Math.min(this.top, Math.max(this.bottom, value));
    const share = this.log
      ? Math.log(inside / this.bottom) / Math.log(this.top / this.bottom)
      : inside / this.top;
    return MARGIN.top + (1 - share) * INNER.height;
  }

  /**
   * The value of a horizontal rule.
   *
   * @param {number} share Of the height, from the bottom.
   */
  at(share) {
    return this.log ? this.bottom * (this.top / this.bottom) ** share : this.top * share;
  }
}

/**
 * @param {string} title
 * @param {Series[]} series
 * @param {ChartOptions} [options]
 */
export function chart(title, series, { smoothing = 0, log = false, marks: events = [] } = {}) {
  const drawn = series
    .filter(({ y }) => y.some((value) => value !== null))
    .map((each) => (each.dots ? each : { ...each, y: smooth(each.y, smoothing) })); // dots are too few for it
  const scale = new Scale(drawn, log);
  const latest = drawn.map(({ name, y }) => `${name} ${short(y.findLast((value) => value !== null))}`);
  const said = drawn.length ? `latest: ${latest.join(", ")}` : NO_VALUES;
  const svg = s("svg", {
    viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
    role: "img",
    "aria-label": `${title}, ${said}`,
  });
  const caption = h("b", {}, title);
  if (drawn.length === 0) {
    svg.append(s("text", { x: WIDTH / 2, y: HEIGHT / 2, "text-anchor": "middle" }, NO_VALUES));
    return h("figure", { class: "chart" }, h("figcaption", {}, caption), svg);
  }
  svg.append(...axes(scale), ...events.map((event) => eventMark(event, scale)));
  svg.append(...drawn.flatMap((each) => marks(each, scale)));
  const readout = h("span", { class: "readout" });
  readAtPointer(svg, drawn, scale, readout);
  const key = drawn.map(({ name, kind }) => h("span", { class: kind }, name));
  const legend = drawn.length > 1 ? h("span", { class: "key" }, ...key) : null;
  return h("figure", { class: "chart" }, h("figcaption", {}, caption, readout), svg, legend);
}

/**
 * A mark on the axis, with its text.
 *
 * @param {{x: number, text: string}} event
 * @param {Scale} scale
 */
function eventMark({ x, text }, scale) {
  const at = scale.x(Math.min(x, scale.right));
  const mark = s("g", { class: "event" });
  mark.append(
    s("title", {}, text),
    s("line", { x1: at, x2: at, y1: MARGIN.top, y2: HEIGHT - MARGIN.bottom }),
    s("path", { d: `M${at} ${HEIGHT - MARGIN.bottom}l4 7h-8z` }),
  );
  return mark;
}

/**
 * The exponential moving average, corrected at its beginning; gaps stay.
 *
 * @param {(number | null)[]} y
 * @param {number} smoothing
 */
export function smooth(y, smoothing) {
  let [sum, weight] = [0, 0];
  return y.map((value) => {
    if (value === null) return null;
    sum = smoothing * sum + (1 - smoothing) * value;
    weight = smoothing * weight + (1 - smoothing);
    return sum / weight;
  });
}

/**
 * The line of a series, and its dots.
 *
 * @param {Series} series
 * @param {Scale} scale
 */
function marks({ kind, x, y, dots }, scale) {
  const found = [s("path", { class: `line ${kind}`, d: path(x, y, scale) })];
  if (!dots && y.length > 1) return found;
  for (const [i, value] of y.entries()) {
    if (value !== null) {
      found.push(s("circle", { class: kind, cx: scale.x(x[i]), cy: scale.y(value), r: 2.2 }));
    }
  }
  return found;
}

/**
 * Show a line that follows the pointer, and the values there.
 *
 * @param {SVGElement} svg
 * @param {Series[]} series
 * @param {Scale} scale
 * @param {HTMLElement} readout
 */
function readAtPointer(svg, series, scale, readout) {
  const line = s("line", { class: "cursor", y1: MARGIN.top, y2: HEIGHT - MARGIN.bottom });
  line.style.display = "none";
  svg.append(line);
  svg.addEventListener("pointermove", (event) => {
    const box = svg.getBoundingClientRect();
    const pointed = ((event.clientX - box.left) / box.width) * WIDTH - MARGIN.left;
    const images = pointed * (scale.right / INNER.width);
    const nearest = series.map(({ x }) => nearestTo(images, x));
    const seen = series[0].x[nearest[0]] ?? 0;
    line.style.display = "";
    line.setAttribute("x1", String(scale.x(seen)));
    line.setAttribute("x2", String(scale.x(seen)));
    const values = series.map(({ y }, i) => short(y[nearest[i]]));
    readout.textContent = `${thousands(seen)}: ${values.join(" · ")}`;
  });
  svg.addEventListener("pointerleave", () => {
    line.style.display = "none";
    readout.textContent = "";
  });
}

/**
 * The index of the number that is nearest to a value.
 *
 * @param {number} value
 * @param {(number | null)[]} x
 */
function nearestTo(value, x) {
  const distance = (/** @type {number} */ i) => Math.abs((x[i] ?? 0) - value);
  return x.reduce((/** @type {number} */ best, _, i) => (distance(i) < distance(best) ? i : best), 0);
}

/** @param {Scale} scale */
function axes(scale) {
  const found = [];
  for (let i = 0; i <= TICKS; i++) {
    const value = scale.at(i / TICKS);
    const y = scale.y(value);
    found.push(s("line", { class: "rule", x1: MARGIN.left, x2: WIDTH - MARGIN.right, y1: y, y2: y }));
    found.push(s("text", { x: MARGIN.left - 5, y: y + 3.5, "text-anchor": "end" }, short(value)));
  }
  const below = { y: HEIGHT - 6 };
  found.push(s("text", { x: scale.x(0), ...below }, "0"));
  const end = `${thousands(scale.right)} images`;
  found.push(s("text", { x: scale.x(scale.right), ...below, "text-anchor": "end" }, end));
  return found;
}

/**
 * @param {(number | null)[]} x
 * @param {(number | null)[]} y
 * @param {Scale} scale
 */
function path(x, y, scale) {
  let command = "M";
  return y
    .map((value, i) => {
      if (value === null) {
        command = "M";
        return "";
      }
      const part = `${command}${scale.x(x[i]).toFixed(1)} ${scale.y(value).toFixed(1)}`;
      command = "L";
      return part;
    })
    .join("");
}

/**
 * Values without the largest 2%, so that one spike at the start leaves the rest readable.
 *
 * @param {(number | null)[]} y
 */
function withoutSpikes(y) {
  const values = y.filter((value) => value !== null).sort((a, b) => a - b);
  return values.slice(0, Math.max(1, Math.ceil(values.length * 0.98)));
}

/**
 * The least of 1, 2, 2.5 and 5 times a power of ten that is not below the value.
 *
 * @param {number} value
 */
function roundUp(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  return power * ([1, 2, 2.5, 5].find((step) => step * power >= value * 0.999) ?? 10);
}

/** @param {number | null | undefined} value */
function short(value) {
  if (value === null || value === undefined) return "–";
  if (value >= 1000) return thousands(value);
  return String(Number(value.toPrecision(3)));
}

/** @param {number} value */
function thousands(value) {
  if (value >= 1e6) return `${Number((value / 1e6).toPrecision(3))}M`;
  return value >= 1000 ? `${Math.round(value / 1000)}k` : String(Math.round(value));
}
