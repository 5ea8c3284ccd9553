/** Faces drawn in the visitor's own browser. */
import { UserError } from "./errors.js";
import { TRAINER, drawnFaces } from "./lesson-source.js";
import { localGame } from "./game.js";
import { truncate } from "./latent-math.js";
import { withProvenance } from "./png.js";
import { latentOfSeed, parseSeed } from "./seeds.js";
import { animation } from "./webp.js";

/** @import {Latent} from "./latent-math.js" */
/** @import {Directions, FacesRequest, Model, OneFace, Source} from "./source.js" */

/** @typedef {(bytes: number) => void} Progress Called with the number of bytes that arrived. */

/**
 * @typedef {object} Facts The content of faces.json.
 * @property {string} software
 * @property {{onnx: string, wasm: string, certainty: string}} files Names.
 * @property {{[name: string]: number}} bytes Of these files.
 * @property {Model} model
 * @property {number[]} certainties The face detector's certainties of seeds from 0.
 * @property {number} least_certainty Of the best faces.
 * @property {Directions} directions
 * @property {{file: string, source: string, license: string} | null} photographs For the game.
 */

/**
 * @typedef {object} PageFiles Where the files of the page are.
 * @property {() => Promise<Facts>} facts
 * @property {(name: string) => Worker | Promise<Worker>} worker
 * @property {(name: string, progress: Progress) => Promise<Uint8Array<ArrayBuffer>>} bytes
 */

/** @typedef {{resolve: (pixels: any) => void, reject: (error: Error) => void}} Waiting */

const BATCH_FACES = 16; // in one message to the worker, so that a newer request need not wait for long

/** @implements {Source} */
export class OnnxSource {
  /** @type {Worker | null} */
  #worker = null;
  /** @type {Map<number, Waiting>} */
  #waiting = new Map();
  #sent = 0;
  #failure = "";
  /** @type {Facts | null} */
  #facts = null;
  /** @type {Promise<any> | null} */
  #detector = null;

  /**
   * @param {PageFiles} files
   * @param {(loaded: number, total: number) => void} progress Called with bytes while the generator is loaded.
   */
  constructor(files, progress) {
    this.files = files;
    this.progress = progress;
    /** @type {Source["views"]} */
    this.views = ["faces", "explore", "game", "learn"];
  }

  get facts() {
    if (!this.#facts) throw new Error("model() was not called.");
    return this.#facts;
  }

  async models() {
    return [(await this.#load()).model];
  }

  async model() {
    const { bytes, files, model } = await this.#load();
    const total = Object.values(bytes).reduce((sum, each) => sum + each, 0);
    let loaded = 0;
    const progress = (/** @type {number} */ count) => this.progress((loaded += count), total);
    progress(0);
    const [onnx, wasm] = await Promise.all(
      [files.onnx, files.wasm].map((name) => this.files.bytes(name, progress)),
    );
    this.#listen(await this.files.worker("worker.js"));
    await this.#request({ open: onnx, wasm });
    return model;
  }

  async #load() {
    this.#facts ??= await this.files.facts();
    return this.#facts;
  }

  /** @param {Worker} worker */
  #listen(worker) {
    this.#worker = worker;
    worker.onmessage = ({ data }) => this.#settle(data.id, data.error && failed(data.error), data.answer);
    worker.onerror = (event) => {
      this.#failure = event.message
        ? failed(event.message)
        : "The generator could not be loaded. Reload the page.";
      for (const id of [...this.#waiting.keys()]) this.#settle(id, this.#failure);
    };
  }

  /** @param {string[]} seeds */
  async latents(seeds) {
    const { latent_size: size, latent: distribution } = this.facts.model;
    return seeds.map((seed) => latentOfSeed(parseSeed(seed), size, distribution));
  }

  /**
   * @param {FacesRequest} request
   * @param {AbortSignal} [signal]
   */
  async faces({ seeds = [], latents, truncation = 1 }, signal) {
    const z = (latents ?? (await this.latents(seeds))).map((latent) => truncate(latent, truncation));
    const faces = [];
    for (let first = 0; first < z.length; first += BATCH_FACES) {
      signal?.throwIfAborted();
      faces.push(...(await this.#draw(z.slice(first, first + BATCH_FACES))));
    }
    return faces;
  }

  /**
   * @param {string[]} seeds
   * @param {number} truncation
   */
  async best(seeds, truncation) {
    const { certainties, least_certainty: least } = this.facts;
    const faces = await this.faces({ seeds, truncation });
    const isKnown = truncation === 1 && seeds.every((seed) => Number(seed) < certainties.length);
    const found = isKnown ? seeds.map((seed) => certainties[Number(seed)]) : await this.#judge(faces);
    return faces.map((face, i) => (found[i] < least ? null : face));
  }

  /**
   * The face detector's certainties of faces. It is loaded when it is first needed.
   *
   * @param {ImageData[]} faces
   * @returns {Promise<number[]>}
   */
  async #judge(faces) {
    this.#detector ??= this.files
      .bytes(this.facts.files.certainty, () => {})
      .then((detector) => this.#request({ detector }));
    await this.#detector;
    const found = [];
    for (let first = 0; first < faces.length; first += BATCH_FACES) {
      const pixels = faces.slice(first, first + BATCH_FACES).map(({ data }) => data);
      found.push(...(await this.#request({ pixels, size: this.facts.model.size })));
    }
    return found;
  }

  /** @param {OneFace} face */
  async png(face) {
    const truncation = ("seed" in face && face.truncation) || 1;
    const [pixels] = await this.faces(
      "latent" in face ? { latents: [face.latent] } : { seeds: [face.seed], truncation },
    );
    const canvas = new OffscreenCanvas(pixels.width, pixels.height);
    canvas.getContext("2d")?.putImageData(pixels, 0, 0);
    const { model, software } = this.facts;
    return withProvenance(await canvas.convertToBlob({ type: "image/png" }), {
      Software: software,
      "Model hash": model.hash,
      Seeds: "seed" in face ? face.seed : "",
      Recipe: model.recipe,
      "Images seen": String(model.images_seen),
      Truncation: truncation === 1 ? "1.0" : String(truncation),
    });
  }

  /**
   * @param {Latent[]} latents
   * @param {number} framesPerSecond
   */
  async walk(latents, framesPerSecond) {
    return animation(await this.faces({ latents }), framesPerSecond);
  }

  async directions() {
    const { directions } = this.facts;
    return { ...directions, vectors: directions.vectors.map((vector) => Float32Array.from(vector)) };
  }

  drawnFaces() {
    return drawnFaces(this.files);
  }

  trainer() {
    return this.files.worker(TRAINER);
  }

  async games() {
    const { photographs } = this.facts;
    const text = photographs ? `${photographs.source}; their terms: ${photographs.license}` : "";
    return { photographs: text, reason: "", keeps_answers: false };
  }

  async beginGame() {
    return localGame(this, await this.#photographs());
  }

  /** The photographs of the page, one below the other in one picture. */
  async #photographs() {
    const { photographs, model } = this.facts;
    if (!photographs) throw new UserError("This page has no photographs.");
    const data = await this.files.bytes(photographs.file, () => {});
    const picture = await createImageBitmap(new Blob([data]), { colorSpaceConversion: "none" });
    const canvas = new OffscreenCanvas(picture.width, picture.height);
    const context = canvas.getContext("2d", { willReadFrequently: true });
    if (!context) throw new Error("This browser does not draw on canvases.");
    context.drawImage(picture, 0, 0);
    const count = picture.height / model.size;
    return Array.from({ length: count }, (_, i) =>
      context.getImageData(0, i * model.size, model.size, model.size),
    );
  }

  /**
   * @param {Latent[]} latents
   * @returns {Promise<ImageData[]>}
   */
  async #draw(latents) {
    const { size } = this.facts.model;
    const length = latents[0].length;
    const z = new Float32Array(latents.length * length);
    latents.forEach((latent, i) => z.set(latent, i * length));
    const pixels = await this.#request({ z, count: latents.length, size });
    const bytes = 4 * size * size;
    return latents.map((_, i) => new ImageData(pixels.slice(i * bytes, (i + 1) * bytes), size, size));
  }

  /**
   * Send a message to the worker and wait for its answer.
   *
   * @param {object} message
   * @returns {Promise<any>}
   */
  #request(message) {
    return new Promise((resolve, reject) => {
      const id = this.#sent++;
      this.#waiting.set(id, { resolve, reject });
      if (this.#failure) this.#settle(id, this.#failure);
      else this.#worker?.postMessage({ id, ...message });
    });
  }

  /**
   * @param {number} id
   * @param {string | undefined} error
   * @param {any} [answer]
   */
  #settle(id, error, answer) {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (error) waiting?.reject(new UserError(error));
    else waiting?.resolve(answer);
  }
}

/** @param {string} reason What the runtime or the browser says. */
function failed(reason) {
  return `The generator failed: ${reason.replace(/\.$/, "")}. Reload the page.`;
}
