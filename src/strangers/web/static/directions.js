/** The attribute directions of the model, which the visitor may have to wait for. */
import { explain } from "./errors.js";

/** @import {Page} from "./page.js" */
/** @import {Directions} from "./source.js" */

const POLL_MS = 1500;

/**
 * The server looks for attribute directions when it starts: ask until it has them.
 *
 * @param {Page} page
 */
export async function pollDirections(page) {
  const { editor, source } = page;
  const directions = await source.directions().catch((error) => noDirections(explain(error)));
  await page.attempt(() => editor.setDirections(directions));
  if (directions.state === "searching") setTimeout(() => pollDirections(page), POLL_MS);
}

/**
 * @param {string} reason
 * @returns {Directions}
 */
function noDirections(reason) {
  return { state: "unavailable", reason, names: [], accuracies: [], vectors: [] };
}
