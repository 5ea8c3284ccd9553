/** The views. Each is loaded when it is first shown, so that a slow connection brings the first one soon. */

/** @import {Page, View} from "./page.js" */
/** @import {ViewName} from "./source.js" */

/**
 * @typedef {object} ViewEntry
 * @property {string} title
 * @property {() => Promise<{build: (page: Page) => View}>} load Load its module.
 * @property {boolean} needsModel
 */

/** @type {{[name in ViewName]: ViewEntry}} */
export const VIEWS = {
  faces: { title: "Faces", load: () => import("./views/faces.js"), needsModel: true },
  explore: { title: "Explore", load: () => import("./views/explore.js"), needsModel: true },
  photograph: { title: "Photograph", load: () => import("./views/photograph.js"), needsModel: true },
  game: { title: "Game", load: () => import("./views/game.js"), needsModel: true },
  learn: { title: "Learn", load: () => import("./views/learn.js"), needsModel: false },
  sets: { title: "Sets", load: () => import("./views/sets.js"), needsModel: false },
  training: { title: "Training", load: () => import("./views/training.js"), needsModel: false },
};
