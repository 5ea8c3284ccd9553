/** The page that `strangers serve` gives. */
import { start } from "./app.js";
import { HttpSource } from "./source.js";

const dialog = document.getElementById("token");

/** The token in the address, which is used once and then hidden; else what the person types. */
function askToken(sentence) {
  const words = new URLSearchParams(location.hash.slice(1));
  if (words.has("token")) {
    const token = words.get("token");
    words.delete("token");
    history.replaceState(null, "", `#${words}`);
    return Promise.resolve(token);
  }
  dialog.querySelector("p").textContent = sentence;
  const field = dialog.querySelector("input");
  field.value = "";
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "open" ? field.value : null), {
      once: true,
    });
  });
}

start(new HttpSource("", askToken));
