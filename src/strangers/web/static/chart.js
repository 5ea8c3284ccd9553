/** A line chart, drawn as SVG: values against images seen, told in words too. */
import { h } from "./elements.js";

const WIDTH = 320;
const HEIGHT = 170;
const MARGIN = { left: 38, right: 8, top: 8, bottom: 22 };
const INNER = { width: WIDTH - MARGIN.left - MARGIN.right, height: HEIGHT - MARGIN.top - MARGIN.bottom };
const TICKS = 4;

/** series: [{name, kind, x, y, dots}]; `kind` chooses the ink, null in y is a gap. */
export function chart(title, series) {
  const drawn = series.filter(({ y }) => y.some((value) => value !== null));
  const right = Math.max(1, ...drawn.map(({ x }) => x.at(-1)));
  const top = ceiling(Math.max(1e-9, ...drawn.flatMap(({ y }) => usual(y))));
  const across = (x) => MARGIN.left + (x / right) * INNER.width;
  const down = (y) => MARGIN.top + (1 - Math.min(y, top) / top) * INNER.height;
  const words = drawn
    .map(({ name, y }) => `${name} ${short(y.findLast((value) => value !== null))}`)
    .join(", ");
  const svg = s("svg", {
    viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
    role: "img",
    "aria-label": `${title}, latest: ${words}`,
  });
  svg.append(...axes(right, top, across, down));
  for (const { kind, x, y, dots } of drawn) {
    svg.append(s("path", { class: `line ${kind}`, d: path(x, y, across, down) }));
    if (dots || y.length === 1)
      svg.append(
        ...y
          .map(
            (value, i) =>
              value !== null && s("circle", { class: kind, cx: across(x[i]), cy: down(value), r: 2.2 }),
          )
          .filter(Boolean),
      );
  }
  const readout = h("span", { class: "readout" });
  pointAt(svg, drawn, across, right, readout);
  const key =
    drawn.length > 1
      ? h("span", { class: "key" }, ...drawn.map(({ name, kind }) => h("span", { class: kind }, name)))
      : null;
  return h("figure", { class: "chart" }, h("figcaption", {}, h("b", {}, title), readout), svg, key);
}

/** A line that follows the pointer, and the values there. */
function pointAt(svg, series, across, right, readout) {
  const line = s("line", { class: "cursor", y1: MARGIN.top, y2: HEIGHT - MARGIN.bottom });
  line.style.display = "none";
  svg.append(line);
  svg.addEventListener("pointermove", (event) => {
    const box = svg.getBoundingClientRect();
    const wish = (((event.clientX - box.left) / box.width) * WIDTH - MARGIN.left) * (right / INNER.width);
    const { x } = series[0];
    const nearest = x.reduce(
      (best, images, i) => (Math.abs(images - wish) < Math.abs(x[best] - wish) ? i : best),
      0,
    );
    line.style.display = "";
    line.setAttribute("x1", across(x[nearest]));
    line.setAttribute("x2", across(x[nearest]));
    const values = series.map(({ y }) => short(y[nearest])).join(" · ");
    readout.textContent = `${thousands(x[nearest])}: ${values}`;
  });
  svg.addEventListener("pointerleave", () => {
    line.style.display = "none";
    readout.textContent = "";
  });
}

function axes(right, top, across, down) {
  const marks = [];
  for (let i = 0; i <= TICKS; i++) {
    const value = (top * i) / TICKS;
    marks.push(
      s("line", {
        class: "rule",
        x1: MARGIN.left,
        x2: WIDTH - MARGIN.right,
        y1: down(value),
        y2: down(value),
      }),
    );
    marks.push(s("text", { x: MARGIN.left - 5, y: down(value) + 3.5, "text-anchor": "end" }, short(value)));
  }
  marks.push(s("text", { x: across(0), y: HEIGHT - 6 }, "0"));
  marks.push(
    s("text", { x: across(right), y: HEIGHT - 6, "text-anchor": "end" }, `${thousands(right)} images`),
  );
  return marks;
}

function path(x, y, across, down) {
  let pen = "M";
  return y
    .map((value, i) => {
      if (value === null) {
        pen = "M";
        return "";
      }
      const part = `${pen}${across(x[i]).toFixed(1)} ${down(value).toFixed(1)}`;
      pen = "L";
      return part;
    })
    .join("");
}

/** Values without the few largest, so that one spike at the start leaves the rest to be seen. */
function usual(y) {
  const values = y.filter((value) => value !== null).sort((a, b) => a - b);
  return values.slice(0, Math.max(1, Math.ceil(values.length * 0.98)));
}

/** The least of 1, 2, 2.5 and 5 times a power of ten that is not below the value. */
function ceiling(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  return power * [1, 2, 2.5, 5, 10].find((step) => step * power >= value * 0.999);
}

function short(value) {
  if (value === null || value === undefined) return "–";
  if (value >= 1000) return thousands(value);
  return String(Number(value.toPrecision(3)));
}

function thousands(value) {
  if (value >= 1e6) return `${Number((value / 1e6).toPrecision(3))}M`;
  return value >= 1000 ? `${Math.round(value / 1000)}k` : String(Math.round(value));
}

function s(tag, attributes, text) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  if (text !== undefined) element.textContent = text;
  return element;
}
