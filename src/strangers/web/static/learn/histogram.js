/** Two histograms of the discriminator's opinions, one over the other. */
import { h, s } from "../dom.js";

const WIDTH = 320;
const HEIGHT = 120;
const BOTTOM = 18; // for the words below

/**
 * @param {number[]} real Counts of opinions on real faces, from sure that they are fake to sure that they are real.
 * @param {number[]} fake
 */
export function histogram(real, fake) {
  const top = Math.max(1, ...real, ...fake);
  const middle = (/** @type {number[]} */ counts) => {
    const total = counts.reduce((sum, count) => sum + count, 0);
    const sum = counts.reduce((sum, count, bin) => sum + count * (bin + 0.5), 0);
    return total ? (sum / total / counts.length).toFixed(2) : "none";
  };
  const svg = s("svg", {
    viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
    role: "img",
    "aria-label": `Opinions, mean: real faces ${middle(real)}, fake faces ${middle(fake)}`,
  });
  svg.append(...bars(real, top, "real"), ...bars(fake, top, "fake"));
  svg.append(
    s("line", { class: "rule", x1: 0, x2: WIDTH, y1: HEIGHT - BOTTOM, y2: HEIGHT - BOTTOM }),
    s("text", { x: 0, y: HEIGHT - 5 }, "surely fake"),
    s("text", { x: WIDTH / 2, y: HEIGHT - 5, "text-anchor": "middle" }, "unsure"),
    s("text", { x: WIDTH, y: HEIGHT - 5, "text-anchor": "end" }, "surely real"),
  );
  const key = h(
    "span",
    { class: "key" },
    h("span", { class: "real" }, "Real faces"),
    h("span", { class: "fake" }, "Forged faces"),
  );
  return h(
    "figure",
    { class: "chart" },
    h("figcaption", {}, h("b", {}, "The detective's opinions")),
    svg,
    key,
  );
}

/**
 * @param {number[]} counts
 * @param {number} top
 * @param {"real" | "fake"} kind
 */
function bars(counts, top, kind) {
  const width = WIDTH / counts.length;
  return counts.map((count, bin) => {
    const height = (count / top) * (HEIGHT - BOTTOM - 4);
    return s("rect", {
      class: `bar ${kind}`,
      x: bin * width + 1,
      width: width - 2,
      y: HEIGHT - BOTTOM - height,
      height,
    });
  });
}
