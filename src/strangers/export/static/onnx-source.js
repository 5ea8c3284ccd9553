/** Faces drawn in the visitor's own browser. */
import { UserError } from "./errors.js";
import { truncate } from "./latent-math.js";
import { withProvenance } from "./png.js";
import { latentOfSeed, parseSeed } from "./seeds.js";

/** @import {Latent} from "./latent-math.js" */
/** @import {Directions, FacesRequest, Model, OneFace, Source} from "./source.js" */

/** @typedef {{software: string, onnx: string, model: Model, directions: Directions}} Facts The content of faces.json. */
/** @typedef {{resolve: (pixels: any) => void, reject: (error: Error) => void}} Waiting */

const BATCH_FACES = 16; // in one message to the worker, so that a newer request need not wait for long

/** @implements {Source} */
export class OnnxSource {
  #worker = new Worker(new URL("./worker.js", import.meta.url), { type: "module" });
  /** @type {Map<number, Waiting>} */
  #waiting = new Map();
  #sent = 0;
  #failure = "";
  /** @type {Facts | null} */
  #facts = null;

  /** @param {string} address Of faces.json, which lies beside the ONNX file. */
  constructor(address) {
    this.address = address;
    /** @type {Source["views"]} */
    this.views = ["faces", "explore"];
    this.#worker.onmessage = ({ data }) => this.#settle(data.id, data.error, data.pixels);
    this.#worker.onerror = (event) => {
      this.#failure = event.message || "The generator could not be loaded. Reload the page.";
      for (const id of [...this.#waiting.keys()]) this.#settle(id, this.#failure);
    };
  }

  get facts() {
    if (!this.#facts) throw new Error("model() was not called.");
    return this.#facts;
  }

  async models() {
    return [(await this.#load()).model];
  }

  async model() {
    const { model, onnx } = await this.#load();
    await this.#request({ open: new URL(onnx, new URL(this.address, location.href)).href });
    return model;
  }

  async #load() {
    if (this.#facts) return this.#facts;
    const response = await fetch(this.address).catch(() => null);
    if (!response?.ok) throw new UserError(`${this.address} could not be fetched. Reload the page.`);
    /** @type {Facts} */
    const facts = await response.json();
    this.#facts = facts;
    return facts;
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

  async directions() {
    const { directions } = this.facts;
    return { ...directions, vectors: directions.vectors.map((vector) => Float32Array.from(vector)) };
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
   * @returns {Promise<Uint8ClampedArray<ArrayBuffer>>}
   */
  #request(message) {
    return new Promise((resolve, reject) => {
      const id = this.#sent++;
      this.#waiting.set(id, { resolve, reject });
      if (this.#failure) this.#settle(id, this.#failure);
      else this.#worker.postMessage({ id, ...message });
    });
  }

  /**
   * @param {number} id
   * @param {string | undefined} error
   * @param {Uint8ClampedArray<ArrayBuffer>} [pixels]
   */
  #settle(id, error, pixels) {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (error) waiting?.reject(new UserError(error));
    else waiting?.resolve(pixels);
  }
}
