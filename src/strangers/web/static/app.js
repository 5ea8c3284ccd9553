/**
 * The application: it builds the views and keeps them and the address in step.
 *
 * The document needs <main id="main"> and <nav id="views">; <p id="model"> describes the model.
 */
import { pollDirections } from "./directions.js";
import { button, byId, h, reveal } from "./dom.js";
import { UserError, explain } from "./errors.js";
import { formatLink, parseLink } from "./links.js";
import { Page } from "./page.js";
import { VIEWS } from "./views.js";

/** @import {Link} from "./links.js" */
/** @import {View} from "./page.js" */
/** @import {Model, ServerSource, Source, ViewName} from "./source.js" */

const SITE = document.title;
const SLOW_MS = 500;
const MAX_LETTERS = 40; // of a view's name in a link, which anybody may have written
const ADDRESS_MS = 400; // browsers refuse more than 100 changes of the address in 30 seconds

/** @param {Source} source */
export async function start(source) {
  const page = new Page(source);
  try {
    page.models = await source.models();
    if (source.views.includes("training")) await describeServer(page);
  } catch (error) {
    page.fail(error);
    return byId("main").replaceChildren(failure(page));
  }
  const app = new App(page);
  await app.open();
  if (page.models.length) await app.load();
}

/**
 * Ask what a server has besides its models, or why it has none.
 *
 * @param {Page} page
 */
async function describeServer(page) {
  const server = /** @type {ServerSource} */ (page.source);
  const [{ sets }, { runs }] = await Promise.all([server.sets(), server.runs()]);
  Object.assign(page, { sets, runs });
  if (page.models.length) return;
  page.missingModel = await server.model().then(() => "", explain);
}

/**
 * Why there is nothing to see, for as long as there is nothing.
 *
 * @param {Page} page
 */
function failure(page) {
  const again = button("Try again", () => location.reload(), { class: "first" });
  return h("div", { class: "failure" }, h("p", {}, page.alert.textContent), again);
}

/** @param {Model} model */
function describe({ name, size, images_seen }) {
  const seen = images_seen ? `, ${images_seen.toLocaleString("en-US")} images seen` : ""; // distilled: none
  return `${name === SITE ? "" : `${name}, `}${size} px${seen}`; // an exported page has the model's name already
}

class App {
  /** @param {Page} page */
  constructor(page) {
    this.page = page;
    const isEmpty = (/** @type {ViewName} */ name) => {
      if (name === "sets") return page.sets.length === 0;
      if (name === "training") return page.runs.length === 0;
      return VIEWS[name].needsModel && page.models.length === 0;
    };
    this.names = page.source.views.filter((name) => !isEmpty(name));
    /** @type {{[name in ViewName]?: View}} */
    this.built = {};
    /** @type {ViewName | null} */
    this.shown = null;
    /** @type {View | null} */
    this.visible = null;
    this.round = 0; // of following the address
    this.following = false;
    this.written = 0; // when the address was last changed
    this.followed = ""; // the address that was last followed or written
    this.link = parseLink(""); // what it names
    this.waiting = /** @type {View} */ ({ element: h("div", {}, ...byId("main").childNodes) }); // for the model
    this.opening = /** @type {unknown} */ (null); // a promise if the view has yet to get what it shows
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.writing = undefined;
    page.go = (view) => this.go(view);
    page.random = () => this.visible?.random?.();
    page.link = () => new URL(`#${this.address()}`, location.href).href;
  }

  async open() {
    this.#buildNavigation();
    window.addEventListener("hashchange", () => this.page.attempt(() => this.follow()));
    window.addEventListener("pagehide", () => this.#writeAddress());
    window.addEventListener("keydown", (event) => this.#randomByKey(event));
    window.addEventListener("focusin", ({ target }) => reveal(target));
    this.page.editor.addEventListener("change", () => this.#writeSoon());
    this.page.addEventListener("wall", () => this.#writeSoon());
    await this.page.attempt(() => this.follow());
  }

  /** Load the model, once the first view has what it needs. Views without a model work meanwhile. */
  async load() {
    const { page } = this;
    await this.opening;
    if (this.shown) VIEWS[this.shown].load().catch(() => {}); // which is reported when the view is built
    try {
      const chosen = page.models.find(({ hash }) => hash === this.link.model);
      page.setModel(await page.source.model(chosen?.hash));
    } catch (error) {
      page.fail(error);
      byId("model").textContent = "";
      return this.waiting.element.replaceChildren(failure(page));
    }
    this.#showModel();
    await page.attempt(() => this.follow());
    page.attempt(() => page.collection.load());
    pollDirections(page);
  }

  /** @param {ViewName} view */
  go(view) {
    this.#writeAddress();
    location.hash = this.address(view);
  }

  /** Show what the address names; links.js has its grammar. */
  async follow() {
    this.followed = location.hash;
    const link = (this.link = parseLink(location.hash));
    const view = this.names.find((name) => name === link.view) ?? this.names[0];
    if (link.view !== null && view !== link.view) {
      link.problems.push(
        `This page has no view "${link.view.slice(0, MAX_LETTERS)}". This is ${VIEWS[view].title}.`,
      );
    }
    const mine = ++this.round;
    // The view that is left may commit a face, of a walk, which the address must not get.
    this.following = true;
    if (this.#isOfAnother(link)) return location.reload();
    if (view !== this.shown) this.#leave();
    try {
      if (this.page.loaded) {
        this.page.showBest(link.wall ? link.wall === "best" : this.page.model.shows_best);
        await this.#open(link, mine);
      }
      await this.#build(view);
    } finally {
      if (mine === this.round) this.following = false;
    }
    if (mine !== this.round) return; // the address has changed meanwhile
    this.show(view);
    this.#writeSoon();
    if (link.problems.length) throw new UserError(link.problems.join(" "));
  }

  /**
   * Return whether a link is of another model that is served here. One that is not loses its face, with the reason.
   *
   * @param {Link} link
   */
  #isOfAnother(link) {
    const { loaded, models } = this.page;
    if (!loaded || link.model === null || link.model === loaded.hash) return false;
    if (models.some(({ hash }) => hash === link.model)) return true;
    if (link.face) link.problems.push("The model of this link is not here, so its face cannot be shown.");
    link.face = null;
    return false;
  }

  /**
   * Make the link's face the current one. What is wrong with it is added to the link's problems.
   *
   * @param {Link} link
   * @param {number} round Of following: a later one has the say.
   */
  async #open({ face, problems }, round) {
    const { editor, model } = this.page;
    const same = editor.face && formatLink(null, face) === this.page.currentLink();
    if (face && !same) await editor.open(face).catch((error) => problems.push(explain(error)));
    if (!editor.face && round === this.round) await editor.choose(String(model.first_seed));
  }

  /**
   * Load and build a view, unless it waits for the model.
   *
   * @param {ViewName} name
   */
  async #build(name) {
    if (this.built[name] || (VIEWS[name].needsModel && !this.page.loaded)) return;
    const { title, load } = VIEWS[name];
    const { page } = this;
    const slow = setTimeout(() => page.notify(`Loading ${title}…`), SLOW_MS);
    const module = await load().catch(() => null);
    clearTimeout(slow);
    if (page.notice.textContent === `Loading ${title}…`) page.notify("");
    if (!module) throw new UserError(`${title} could not be loaded. Reload the page.`);
    this.built[name] ??= module.build(page);
  }

  /** @param {ViewName} name */
  show(name) {
    const view = this.built[name] ?? this.waiting;
    const isAnother = this.shown !== null && this.shown !== name;
    if (this.shown === name && this.visible === view) return;
    this.#leave();
    this.shown = name;
    const main = byId("main");
    main.replaceChildren(view.element);
    this.opening = view.show?.();
    this.visible = view;
    document.title = `${VIEWS[name].title} · ${SITE}`;
    for (const link of byId("views").querySelectorAll("a")) {
      if (link.dataset.view === name) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
    this.#showTab();
    if (!isAnother) return;
    main.focus({ preventScroll: true });
    window.scrollTo(0, view.scroll ?? 0);
  }

  /** Scroll the tabs, which may be wider than a phone, to the current one. */
  #showTab() {
    const tab = byId("views").querySelector("[aria-current]");
    tab?.scrollIntoView({ inline: "center", block: "nearest", behavior: "instant" });
  }

  #leave() {
    this.visible?.hide?.();
    this.visible = null;
  }

  /** The fragment that names a view and the current face. */
  address(view = this.shown) {
    const name = view === this.names[0] ? null : view;
    const { editor, loaded, models, showsBest } = this.page;
    if (!loaded) return formatLink(name, this.link.face, this.link.model, this.link.wall);
    const wall = showsBest === loaded.shows_best ? null : showsBest ? "best" : "all";
    return formatLink(name, editor.face, models.length > 1 ? loaded.hash : null, wall);
  }

  /** Name what is shown in the address, without a new entry in the browser's history, and not too often. */
  #writeSoon() {
    clearTimeout(this.writing);
    const wait = Math.max(0, this.written + ADDRESS_MS - performance.now());
    this.writing = setTimeout(() => this.#writeAddress(), wait);
  }

  #writeAddress() {
    clearTimeout(this.writing);
    // The visitor may have changed the address a moment ago, which is yet to be followed.
    if (!this.shown || this.following || location.hash !== this.followed) return;
    if (this.page.models.length && !this.page.loaded) return; // it is followed again with the model
    const fragment = `#${this.address()}`;
    if (fragment === location.hash || (fragment === "#" && !location.hash)) return;
    this.written = performance.now();
    history.replaceState(null, "", fragment);
    this.followed = location.hash;
  }

  /** @param {KeyboardEvent} event */
  #randomByKey(event) {
    const { ctrlKey, metaKey, altKey, key, target } = event;
    const isText = target instanceof HTMLInputElement && target.type !== "range";
    const isTyped = isText || target instanceof HTMLSelectElement;
    if (key.toLowerCase() === "r" && !ctrlKey && !metaKey && !altKey && !isTyped) this.page.random();
  }

  /** Name the model, and let the visitor choose one of several. */
  #showModel() {
    const { editor, model, models } = this.page;
    if (models.length < 2) {
      byId("model").textContent = describe(model);
      return;
    }
    const options = models.map(({ name, hash, size }) =>
      h("option", { value: hash, selected: hash === model.hash }, `${name}, ${size} px`),
    );
    const choice = h("select", { "aria-label": "Model", autocomplete: "off" }, ...options);
    choice.addEventListener("change", () => {
      const { face } = editor;
      const view = this.shown === this.names[0] ? null : this.shown;
      // A seed has a face in every model, a latent in its own one.
      location.hash = formatLink(view, face?.origin.kind === "seed" ? face : null, choice.value);
    });
    byId("model").replaceChildren(choice);
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
    if (links.length > 1) byId("views").replaceChildren(...links);
  }
}
