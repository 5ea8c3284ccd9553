/** The page of `strangers serve`. */
import { start } from "./app.js";
import { byId, lightDismiss } from "./dom.js";
import { HttpSource } from "./http-source.js";

const dialog = /** @type {HTMLDialogElement} */ (byId("token"));
lightDismiss(dialog, () => dialog.open && dialog.close());

/**
 * Take the token from the address, which is used once and then hidden; else ask the visitor for it.
 *
 * @param {string} message
 * @returns {Promise<string | null>}
 */
async function askToken(message) {
  const fragment = new URLSearchParams(location.hash.slice(1));
  const token = fragment.get("token");
  if (token !== null) {
    fragment.delete("token");
    history.replaceState(null, "", `#${fragment}`);
    return token;
  }
  const field = /** @type {HTMLInputElement} */ (byId("token-field"));
  byId("token-message").textContent = message;
  field.value = "";
  dialog.returnValue = "";
  dialog.showModal();
  await new Promise((resolve) => dialog.addEventListener("close", resolve, { once: true }));
  return dialog.returnValue === "open" ? field.value : null;
}

start(new HttpSource("", askToken));
