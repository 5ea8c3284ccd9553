/** The sliders of the training, and the prepared experiments. */
import { button, h } from "../dom.js";
import { Slider } from "../slider.js";
import { DEFAULTS, EXPERIMENTS } from "./experiments.js";
import { MAX_BATCH } from "./gan.js";

/** @import {Settings} from "./gan.js" */

/**
 * @typedef {object} Setting
 * @property {Exclude<keyof Settings, "loss">} field
 * @property {string} name
 * @property {number} min
 * @property {number} max
 * @property {number} step
 * @property {boolean} [log] The slider has the decimal logarithm.
 */

/** @type {Setting[]} */
const SETTINGS = [
  { field: "generatorRate", name: "Forger's learning rate", min: -5, max: -1.5, step: 0.1, log: true },
  { field: "discriminatorRate", name: "Detective's learning rate", min: -5, max: -1.5, step: 0.1, log: true },
  { field: "discriminatorSteps", name: "Detective's steps", min: 1, max: 8, step: 1 },
  { field: "smoothing", name: "Label smoothing", min: 0, max: 0.4, step: 0.05 },
  { field: "r1", name: "R1 penalty", min: 0, max: 10, step: 0.25 },
  { field: "batch", name: "Batch", min: 4, max: MAX_BATCH, step: 4 },
];

/** @type {[Settings["loss"], string][]} */
const LOSSES = [
  ["bce", "Cross-entropy, non-saturating"],
  ["minimax", "Cross-entropy, minimax"],
  ["hinge", "Hinge"],
];

export class Controls {
  /** @param {(settings: Settings) => void} changed */
  constructor(changed) {
    this.changed = changed;
    this.settings = { ...DEFAULTS };
    this.sliders = SETTINGS.map((setting) => this.#slider(setting));
    const options = LOSSES.map(([value, text]) => h("option", { value }, text));
    this.loss = h("select", { autocomplete: "off", "aria-label": "Loss" }, ...options);
    this.loss.addEventListener("change", () =>
      this.#change("loss", /** @type {Settings["loss"]} */ (this.loss.value)),
    );
    this.story = h("p", { class: "story", role: "status" });
    this.buttons = EXPERIMENTS.map((experiment, i) =>
      button(experiment.name, () => this.choose(i), { "aria-pressed": "false" }),
    );
    const loss = h("label", { class: "slider" }, h("span", {}, "Loss"), this.loss);
    this.experiments = h(
      "div",
      { class: "card" },
      h("h2", {}, "Experiments"),
      h("div", { class: "buttons" }, ...this.buttons),
      this.story,
    );
    this.element = h(
      "div",
      { class: "card learn-sliders" },
      h("h2", {}, "Settings"),
      ...this.sliders.map(({ element }) => element),
      loss,
    );
    this.choose(0);
  }

  /**
   * Take the settings of an experiment.
   *
   * @param {number} number
   */
  choose(number) {
    const { settings, story } = EXPERIMENTS[number];
    this.settings = { ...settings };
    this.story.textContent = story;
    this.buttons.forEach((each, i) => each.setAttribute("aria-pressed", String(i === number)));
    SETTINGS.forEach(({ field, log }, i) => {
      const value = this.settings[field];
      this.sliders[i].set(log ? Math.log10(value) : value);
    });
    this.loss.value = this.settings.loss;
    this.changed(this.settings);
  }

  /** @param {Setting} setting */
  #slider({ field, name, min, max, step, log }) {
    const value = DEFAULTS[field];
    return new Slider({
      name,
      min,
      max,
      step,
      value: log ? Math.log10(value) : value,
      format: (at) => String(Number((log ? 10 ** at : at).toPrecision(2))),
      changed: (at) => this.#change(field, log ? 10 ** at : at),
    });
  }

  /**
   * @template {keyof Settings} Field
   * @param {Field} field
   * @param {Settings[Field]} value
   */
  #change(field, value) {
    this.settings = { ...this.settings, [field]: value };
    this.changed(this.settings);
  }
}
