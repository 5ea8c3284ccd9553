/**
 * The application: it builds the views and keeps them and the address in step.
 *
 * The document needs <main id="main"> and <nav id="views">; <p id="model"> describes the model.
 */
import { byId, h } from "./dom.js";
import { Page } from "./page.js";
import { exploreView } from "./views/explore.js";
import { facesView } from "./views/faces.js";
import { photographView } from "./views/photograph.js";
import { trainingView } from "./views/training.js";

/** @import {View} from "./page.js" */
/** @import {Model, Source, ViewName} from "./source.js" */

/** @type {{[name in ViewName]: {title: string, build: (page: Page) => View, needsModel: boolean}}} */
const VIEWS = {
  faces: { title: "Faces", build: facesView, needsModel: true },
  explore: { title: "Explore", build: exploreView, needsModel: true },
  photograph: { title: "Photograph", build: photographView, needsModel: true },
  training: { title: "Training", build: trainingView, needsModel: false },
};
const FIRST_SEED = "0";
const DIRECTIONS_POLL_MS = 1500;

/** @param {Source} source */
export async function start(source) {
  const page = new Page(source);
  try {
    page.setModel(await source.model());
    byId("model").textContent = describe(page.model);
  } catch (error) {
    if (!source.views.includes("training")) return page.fail(error);
    page.missingModel = error instanceof Error ? error.message : "";
  }
  await new App(page).open();
  if (page.loaded) pollDirections(page);
}

/** @param {Model} model */
function describe({ recipe, size, images_seen }) {
  return `${recipe}, ${size} px, ${images_seen.toLocaleString("en-US")} images seen`;
}

class App {
  /** @param {Page} page */
  constructor(page) {
    this.page = page;
    this.names = page.source.views.filter((name) => page.loaded || !VIEWS[name].needsModel);
    /** @type {{[name in ViewName]?: View}} */
    this.built = {};
    /** @type {ViewName | null} */
    this.shown = null;
    page.go = (view) => (location.hash = this.address(view));
    page.link = () => new URL(`#${this.address("faces")}`, location.href).href;
  }

  async open() {
    this.#buildNavigation();
    const follow = () => this.page.attempt(() => this.follow());
    window.addEventListener("hashchange", follow);
    this.page.editor.addEventListener("change", () => this.#updateAddress());
    await follow();
  }

  /** Show what the address names: "#seed=17", "#view=explore&seed=17&truncation=0.7". */
  async follow() {
    const fragment = new URLSearchParams(location.hash.slice(1));
    const view = this.names.find((name) => name === fragment.get("view")) ?? this.names[0];
    if (this.page.loaded) {
      const { face } = this.page.editor;
      const truncation = Number(fragment.get("truncation") ?? 1);
      const seed = fragment.get("seed") ?? (face ? null : FIRST_SEED);
      const same = face?.seed === seed && (seed === null || face?.truncation === truncation);
      if (seed !== null && !same) await this.#choose(seed, truncation);
    }
    this.show(view);
  }

  /**
   * @param {string} seed
   * @param {number} truncation
   */
  async #choose(seed, truncation) {
    const { page } = this;
    await page.attempt(() => page.editor.choose(seed, truncation));
    if (!page.editor.face) await page.editor.choose(FIRST_SEED);
  }

  /** @param {ViewName} name */
  show(name) {
    const before = this.shown;
    if (before === name) return;
    if (before) this.built[before]?.hide?.();
    this.shown = name;
    const view = (this.built[name] ??= VIEWS[name].build(this.page));
    const main = byId("main");
    main.replaceChildren(view.element);
    view.show?.();
    document.title = `${VIEWS[name].title} · strangers`;
    for (const link of byId("views").querySelectorAll("a")) {
      if (link.dataset.view === name) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
    if (before) {
      main.focus({ preventScroll: true });
      window.scrollTo(0, view.scroll ?? 0);
    }
  }

  /**
   * The fragment that names a view and the current face.
   *
   * @param {ViewName} view
   */
  address(view) {
    const fragment = new URLSearchParams();
    if (view !== "faces") fragment.set("view", view);
    const { face } = this.page.editor;
    if (face && face.seed !== null) {
      fragment.set("seed", face.seed);
      if (face.truncation !== 1) fragment.set("truncation", String(face.truncation));
    }
    return fragment.toString();
  }

  /** Name the current face in the address, without a new entry in the browser's history. */
  #updateAddress() {
    if (this.shown) history.replaceState(null, "", `#${this.address(this.shown)}`);
  }

  #buildNavigation() {
    const links = this.names.map((name) =>
      h("a", { href: `#view=${name}`, "data-view": name }, VIEWS[name].title),
    );
    for (const [i, link] of links.entries()) {
      link.addEventListener("click", (event) => {
        if (event.ctrlKey || event.metaKey || event.shiftKey) return;
        event.preventDefault();
        this.page.go(this.names[i]);
      });
    }
    byId("views").replaceChildren(...links);
  }
}

/**
 * The server looks for attribute directions when it starts: ask until it has them.
 *
 * @param {Page} page
 */
async function pollDirections(page) {
  const { editor, source } = page;
  try {
    editor.setDirections(await source.directions());
  } catch (error) {
    const why = error instanceof Error ? error.message : "";
    editor.setDirections({ state: "none", why, names: [], accuracies: [], vectors: [] });
  }
  if (editor.directions.state === "finding") setTimeout(() => pollDirections(page), DIRECTIONS_POLL_MS);
}
