/** Prepared experiments of the view Learn: settings, and what to watch. */

/** @import {Settings} from "./gan.js" */

/** @type {Settings} */
export const DEFAULTS = {
  generatorRate: 0.002,
  discriminatorRate: 0.001,
  discriminatorSteps: 1,
  smoothing: 0,
  batch: 16,
  r1: 0,
  loss: "bce",
};

/** @typedef {{name: string, settings: Settings, story: string}} Experiment */

/** @type {Experiment[]} */
export const EXPERIMENTS = [
  {
    name: "A fair game",
    settings: DEFAULTS,
    story:
      "A forger paints faces without ever having seen one. A detective sees real faces and forged ones, and says " +
      "which are which. Both learn from every answer: the detective to see better, the forger to be believed. " +
      "In a fair game both hills of opinions overlap: the detective is often wrong.",
  },
  {
    name: "Make it collapse",
    settings: { ...DEFAULTS, generatorRate: 0.01, discriminatorRate: 0.0005 },
    story:
      "The forger learns twenty times faster than the detective. A face that passes once is painted again and " +
      "again until it fails, then the next one. Watch the variety fall: this is mode collapse.",
  },
  {
    name: "Let the detective win",
    settings: {
      ...DEFAULTS,
      generatorRate: 0.0005,
      discriminatorRate: 0.004,
      discriminatorSteps: 4,
      loss: "minimax",
    },
    story:
      "The detective practices four times for each turn of the forger, whose loss is how well the detective sees " +
      "through the forgeries. A detective who is always sure gives no hint: the hills stand at both ends, the " +
      "slope is nearly zero, and the forger learns nothing.",
  },
  {
    name: "Mend it",
    settings: { ...DEFAULTS, r1: 1, smoothing: 0.1 },
    story:
      "Equal learning rates again. The R1 penalty keeps the detective's opinion from changing steeply near real " +
      "faces, and smoothed labels keep it from certainty, so that the forger always feels which way is up. " +
      "Choose this while a broken game runs, and watch it recover.",
  },
];
