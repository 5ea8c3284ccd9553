/**
 * The page: its frame, its views, the current face, and the address that names them.
 *
 * start(source) needs a page with <main id="main"> and <nav id="views">; <p id="model"> says what draws.
 * A view is a function of the page, {source, model, current, say, fail, attempt, go, link}, that gives
 * {element, show?, hide?}.
 */
import { Current } from "./current.js";
import { h } from "./elements.js";
import { Refusal } from "./source.js";
import { exploreView } from "./views/explore.js";
import { facesView } from "./views/faces.js";
import { photographView } from "./views/photograph.js";
import { trainingView } from "./views/training.js";

const VIEWS = {
  faces: { title: "Faces", make: facesView, draws: true },
  explore: { title: "Explore", make: exploreView, draws: true },
  photograph: { title: "Photograph", make: photographView, draws: true },
  training: { title: "Training", make: trainingView, draws: false },
};
const FIRST_SEED = "0";
const ASK_AGAIN = 1500; // milliseconds, while directions are being found

export async function start(source) {
  const page = makePage(source);
  try {
    page.model = await source.model();
    page.current.distribution = page.model.latent;
    const caption = document.getElementById("model");
    if (caption) caption.textContent = describe(page.model);
  } catch (error) {
    if (!source.views.includes("training")) return page.fail(error);
    page.why = error.message; // no model, but perhaps runs to look at
  }
  const names = source.views.filter((name) => page.model || !VIEWS[name].draws);
  buildNavigation(page, names);
  const arrive = () => page.attempt(() => follow(page, names));
  window.addEventListener("hashchange", arrive);
  page.current.addEventListener("change", () => remember(page));
  await arrive();
  if (page.model) watchDirections(page);
}

function makePage(source) {
  const status = h("p", { class: "visually-hidden", role: "status", "aria-live": "polite" });
  const alarm = h("p", { class: "alarm", role: "alert", hidden: true });
  document.body.append(status, alarm);
  const page = { source, model: null, current: new Current(source), made: {}, shown: null, why: "" };
  page.say = (text) => (status.textContent = text);
  page.fail = (error) => {
    if (error.name === "AbortError") return;
    const told = error.constructor === Error || error instanceof Refusal; // others are defects of the page
    alarm.textContent = told ? error.message : "Something went wrong on this page; load it again.";
    if (!told) console.error(error);
    alarm.hidden = false;
    clearTimeout(page.hiding);
    page.hiding = setTimeout(() => (alarm.hidden = true), 8000);
  };
  page.attempt = async (work) => {
    try {
      return await work();
    } catch (error) {
      page.fail(error);
    }
  };
  page.go = (view) => (location.hash = address(page, view));
  page.link = () => new URL(`#${address(page, "faces")}`, location.href).href;
  return page;
}

function describe({ recipe, size, images_seen }) {
  return `${recipe}, ${size} px, ${images_seen.toLocaleString("en")} images seen`;
}

function buildNavigation(page, names) {
  const link = (name) => h("a", { href: `#view=${name}`, "data-view": name }, VIEWS[name].title);
  const navigation = document.getElementById("views");
  navigation.replaceChildren(...names.map(link));
  navigation.addEventListener("click", (event) => {
    const name = event.target.dataset.view;
    if (!name || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    page.go(name);
  });
}

/** Be where the address says: "#seed=17", "#view=explore&seed=17&truncation=0.7". */
async function follow(page, names) {
  const wish = new URLSearchParams(location.hash.slice(1));
  const name = names.includes(wish.get("view")) ? wish.get("view") : names[0];
  if (page.model) {
    const truncation = Number(wish.get("truncation") ?? 1);
    const seed = wish.get("seed") ?? (page.current.face ? null : FIRST_SEED);
    const { face } = page.current;
    const same =
      face && (face.seed === null ? seed === null : face.seed === seed && face.truncation === truncation);
    if (seed !== null && !same) {
      await page.attempt(() => page.current.choose(seed, truncation));
      if (!page.current.face) await page.current.choose(FIRST_SEED);
    }
  }
  present(page, name);
}

function present(page, name) {
  const before = page.shown;
  if (before === name) return;
  page.made[before]?.hide?.();
  page.shown = name;
  page.made[name] ??= VIEWS[name].make(page);
  const main = document.getElementById("main");
  main.replaceChildren(page.made[name].element);
  page.made[name].show?.();
  document.title = `${VIEWS[name].title} · strangers`;
  for (const link of document.querySelectorAll("#views a")) {
    if (link.dataset.view === name) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  if (before) {
    main.focus({ preventScroll: true });
    window.scrollTo(0, page.made[name].scroll ?? 0);
  }
}

function address(page, view) {
  const words = new URLSearchParams();
  if (view !== "faces") words.set("view", view);
  const { face } = page.current;
  if (face && face.seed !== null) {
    words.set("seed", face.seed);
    if (face.truncation !== 1) words.set("truncation", face.truncation);
  }
  return words.toString();
}

/** Let the address name the face that is shown, without a step in the browser's history. */
function remember(page) {
  if (page.shown) history.replaceState(null, "", `#${address(page, page.shown)}`);
}

/** Attributes are looked for when the server starts; ask until they are there. */
async function watchDirections(page) {
  try {
    page.current.directions = await page.source.directions();
  } catch (error) {
    page.current.directions = { state: "none", why: error.message, names: [], vectors: [], accuracies: [] };
  }
  page.current.dispatchEvent(new Event("directions"));
  if (page.current.directions.state === "finding") setTimeout(() => watchDirections(page), ASK_AGAIN);
}
