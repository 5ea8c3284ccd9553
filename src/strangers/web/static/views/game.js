/** Game: "Photograph or stranger?", one face at a time, each for a second. */
import { button, context2d, h, paint } from "../dom.js";
import { addAnswer, localGame, newScore, wilson } from "../game.js";
import { pictureButton, readPhotographs } from "../pictures.js";

/** @import {Game, Kind, Score} from "../game.js" */
/** @import {Page, View} from "../page.js" */
/** @import {GameFacts, Source} from "../source.js" */

const RULES =
  "Twenty faces, one at a time. The toss of a coin decides whether each is a photograph of a person or a stranger " +
  "who does not exist. You see it for one second, then say which it was.";
/** @type {{[kind in Kind]: string}} */
const NAMES = { real: "Photograph", fake: "Stranger" };
/** @type {{[kind in Kind]: string}} */
const SOLUTIONS = { real: "a photograph", fake: "a stranger, drawn by the model" };
/** @type {{[key: string]: Kind}} */
const KEYS = { ArrowLeft: "real", p: "real", ArrowRight: "fake", s: "fake" };

/**
 * @param {Page} page
 * @returns {View}
 */
export function build(page) {
  const table = new GameTable(page);
  const key = (/** @type {KeyboardEvent} */ event) => table.press(event);
  return {
    element: table.element,
    show: () => {
      window.addEventListener("keydown", key);
      page.attempt(() => table.open());
    },
    hide: () => window.removeEventListener("keydown", key),
  };
}

/** The table of the game: before it, during it and after it. */
class GameTable {
  /** @param {Page} page */
  constructor(page) {
    this.page = page;
    /** @type {Source} */
    this.source = page.source;
    /** @type {GameFacts} */
    this.facts = { photographs: "", reason: "", keeps_answers: false };
    /** @type {ImageData[]} */
    this.own = []; // pictures that the visitor chose
    /** @type {Game | null} */
    this.game = null;
    this.position = 0;
    this.score = newScore();
    /** @type {"idle" | "shown" | "asked" | "told"} */
    this.state = "idle";
    const { size } = page.model;
    this.face = h("canvas", { class: "game-face", role: "img", width: size, height: size });
    this.status = h("p", { class: "game-status", role: "status" });
    this.progress = h("p", { class: "note" });
    this.answers = ["real", "fake"].map((kind) => this.#answerButton(/** @type {Kind} */ (kind)));
    this.next = button("Next face", () => this.#show(), { class: "first" });
    this.begin = button("Start", () => page.attempt(() => this.start()), { class: "first" });
    this.consent = h("input", { type: "checkbox", autocomplete: "off" });
    this.table = h(
      "div",
      { class: "game-table", hidden: true },
      this.face,
      this.progress,
      this.status,
      h("div", { class: "buttons" }, ...this.answers, this.next),
    );
    this.before = h("div", { class: "game-before card" });
    this.result = h("div", { class: "game-result card", hidden: true, tabindex: -1 });
    const title = h("h1", {}, "Photograph or stranger?");
    this.element = h("div", { class: "game" }, title, this.table, this.result, this.before);
  }

  /** Ask what there is to play with. */
  async open() {
    this.facts = await this.source.games();
    this.#showBefore();
  }

  #showBefore() {
    const { photographs, reason, keeps_answers } = this.facts;
    const asked = "The host of this page may keep my answers in a file, without my name.";
    const consent = h("label", { class: "game-consent" }, this.consent, asked);
    const local = "Your answers stay in this browser.";
    this.begin.disabled = !photographs && this.own.length === 0;
    this.before.replaceChildren(
      h("p", {}, RULES),
      h("p", { class: "note" }, photographs ? `The photographs: ${photographs}.` : this.#ownNote(reason)),
      photographs && keeps_answers ? consent : h("p", { class: "note" }, local),
      h("div", { class: "buttons" }, ...(photographs ? [] : this.#chooser()), this.begin),
    );
  }

  /** @param {string} reason */
  #ownNote(reason) {
    const have = this.own.length;
    if (have) return `${have} picture${have === 1 ? "" : "s"} of yours; they stay in this browser.`;
    const need = "This page has no photographs. Choose pictures of faces; they stay in this browser. ";
    return `${reason ? `${reason} ` : ""}${need}The middle square of each is used.`;
  }

  /** The button that takes the visitor's own pictures. */
  #chooser() {
    const take = async (/** @type {File[]} */ files) => {
      this.own = await readPhotographs(files, this.page.model.size);
      this.#showBefore();
      this.begin.focus();
    };
    const words = this.own.length ? "Choose other pictures" : "Choose pictures";
    return pictureButton([words], (files) => this.page.attempt(() => take(files)));
  }

  async start() {
    this.begin.disabled = true;
    try {
      this.game = this.facts.photographs
        ? await this.source.beginGame(this.facts.keeps_answers && this.consent.checked)
        : await localGame(this.source, this.own);
    } finally {
      this.begin.disabled = false;
    }
    this.position = -1;
    this.score = newScore();
    this.before.hidden = true;
    this.result.hidden = true;
    this.table.hidden = false;
    this.#show();
  }

  /** Show the next face for its second, then ask. */
  #show() {
    const { game } = this;
    if (!game) return;
    if (this.position + 1 === game.faces.length) return this.#end();
    const mine = ++this.position;
    this.#enter("shown");
    this.progress.textContent = `Face ${mine + 1} of ${game.faces.length}`;
    this.status.textContent = "Look…";
    paint(this.face, game.faces[mine]);
    this.face.setAttribute("aria-label", "A face");
    setTimeout(() => {
      if (this.game !== game || this.position !== mine || this.state !== "shown") return;
      context2d(this.face).clearRect(0, 0, this.face.width, this.face.height);
      this.face.setAttribute("aria-label", "The face is hidden");
      this.#ask();
    }, game.shownMs);
  }

  #ask() {
    this.#enter("asked");
    this.status.textContent = "Photograph or stranger?";
    if (document.activeElement === document.body || document.activeElement === this.next) {
      this.answers[0].focus({ preventScroll: true });
    }
  }

  /** @param {Kind} answer */
  async #answer(answer) {
    const { game, position } = this;
    if (!game || this.state !== "asked") return;
    this.#enter("shown"); // nothing can be pressed until the solution is there
    /** @type {Awaited<ReturnType<Game["answer"]>>} */
    let solution;
    try {
      solution = await game.answer(position, answer);
    } catch (error) {
      this.#ask();
      throw error;
    }
    const { kind } = solution;
    addAnswer(this.score, kind, answer);
    paint(this.face, game.faces[position]);
    this.face.setAttribute("aria-label", NAMES[kind]);
    this.#enter("told");
    this.face.classList.add(kind === answer ? "right" : "wrong");
    this.status.textContent = `${kind === answer ? "Right" : "Wrong"}: ${SOLUTIONS[kind]}.`;
    this.next.textContent = position + 1 === game.faces.length ? "Result" : "Next face";
    this.next.focus({ preventScroll: true });
  }

  /** @param {GameTable["state"]} state */
  #enter(state) {
    this.state = state;
    this.table.dataset.state = state;
    this.face.classList.remove("right", "wrong");
    for (const each of this.answers) each.disabled = state !== "asked";
    for (const each of this.answers) each.hidden = state === "told";
    this.next.hidden = state !== "told";
  }

  #end() {
    this.#enter("idle");
    this.game = null;
    this.table.hidden = true;
    this.result.hidden = false;
    this.before.hidden = false;
    this.begin.textContent = "Play again";
    this.result.replaceChildren(h("h2", {}, verdict(this.score)), scoreTable(this.score));
    this.result.focus();
  }

  /** @param {Kind} kind */
  #answerButton(kind) {
    const text = h("span", {}, NAMES[kind]);
    const each = button("", () => this.page.attempt(() => this.#answer(kind)), { class: `answer ${kind}` });
    each.append(text, h("kbd", { "aria-hidden": "true" }, kind === "real" ? "←" : "→"));
    return each;
  }

  /** @param {KeyboardEvent} event */
  press(event) {
    const { key, ctrlKey, metaKey, altKey, repeat } = event;
    const answer = KEYS[key.length === 1 ? key.toLowerCase() : key];
    if (!answer || ctrlKey || metaKey || altKey || repeat || this.state !== "asked") return;
    event.preventDefault();
    this.page.attempt(() => this.#answer(answer));
  }
}

/** @param {Score} score */
function verdict({ count, wrong }) {
  const { low, high } = wilson(count - wrong, count);
  const right = `${count - wrong} of ${count} right. `;
  if (low > 0.5) return `${right}You can tell them apart, better than by chance.`;
  if (high < 0.5) return `${right}Worse than chance: you see a difference, and read it the wrong way round.`;
  return `${right}A coin could have done the same.`;
}

/** @param {Score} score */
function scoreTable({ count, wrong, by }) {
  /** @type {[string, {count: number, wrong: number}][]} */
  const rows = [
    ["All faces", { count, wrong }],
    ["Photographs", by.real],
    ["Strangers", by.fake],
  ];
  const percent = (/** @type {number} */ share) => Math.round(100 * share);
  const cells = rows.map(([name, part]) => {
    const { rate, low, high } = wilson(part.wrong, part.count);
    return h(
      "tr",
      {},
      h("th", { scope: "row" }, name),
      h("td", {}, `${part.wrong} of ${part.count}`),
      h("td", {}, part.count ? `${percent(rate)}%` : "none"),
      h("td", {}, `${percent(low)}–${percent(high)}%`),
    );
  });
  const head = ["", "Wrong", "Error rate", "95% interval"].map((text) => h("th", { scope: "col" }, text));
  return h("table", { class: "score" }, h("thead", {}, h("tr", {}, ...head)), h("tbody", {}, ...cells));
}
