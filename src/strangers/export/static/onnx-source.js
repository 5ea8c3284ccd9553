/** OnnxSource: faces that the visitor's own browser draws. source.js says what a source answers. */
import { latent as latentOf } from "./latents.js";
import { truncated } from "./latent.js";
import { withProvenance } from "./png.js";
import { Refusal } from "./source.js";

const AT_ONCE = 16; // faces, so that the next wish need not wait for long

export class OnnxSource {
  #worker = new Worker(new URL("./worker.js", import.meta.url), { type: "module" });
  #waiting = new Map();
  #asked = 0;
  #failure = null;

  /** address: of the faces.json that stands beside the ONNX file. */
  constructor(address) {
    this.address = address;
    this.views = ["faces", "explore"];
    this.#worker.onmessage = ({ data }) => this.#settle(data.id, data.error, data.pixels);
    this.#worker.onerror = (event) => {
      this.#failure = event.message || "What draws the faces could not be loaded; reload the page.";
      for (const id of [...this.#waiting.keys()]) this.#settle(id, this.#failure);
    };
  }

  async model() {
    const answer = await fetch(this.address).catch(() => null);
    if (!answer?.ok) throw new Refusal(answer?.status ?? 0, `${this.address} could not be fetched; reload the page.`);
    this.facts = await answer.json();
    await this.#ask({ open: new URL(this.facts.onnx, answer.url).href });
    return this.facts.model;
  }

  async latents(seeds) {
    const { latent_size: size, latent: distribution } = this.facts.model;
    return seeds.map((seed) => latentOf(seedOf(seed), size, distribution));
  }

  async faces({ seeds, latents, truncation = 1 }, signal) {
    const z = (latents ?? (await this.latents(seeds))).map((each) => truncated(each, truncation));
    const found = [];
    for (let first = 0; first < z.length; first += AT_ONCE) {
      signal?.throwIfAborted();
      found.push(...(await this.#draw(z.slice(first, first + AT_ONCE))));
    }
    return found;
  }

  async png({ seed, truncation = 1, latent }) {
    const [face] = await this.faces(latent ? { latents: [latent] } : { seeds: [seed], truncation });
    const canvas = new OffscreenCanvas(face.width, face.height);
    canvas.getContext("2d").putImageData(face, 0, 0);
    const { model, software } = this.facts;
    return withProvenance(await canvas.convertToBlob({ type: "image/png" }), {
      "Software": software,
      "Model hash": model.hash,
      "Seeds": latent ? "" : String(seed),
      "Recipe": model.recipe,
      "Images seen": String(model.images_seen),
      "Truncation": truncation === 1 ? "1.0" : String(truncation),
    });
  }

  async directions() {
    const { directions } = this.facts;
    return { ...directions, vectors: directions.vectors.map((vector) => Float32Array.from(vector)) };
  }

  async #draw(z) {
    const { size } = this.facts.model;
    const length = z[0].length;
    const together = new Float32Array(z.length * length);
    z.forEach((each, i) => together.set(each, i * length));
    const pixels = await this.#ask({ z: together, count: z.length, size });
    const bytes = 4 * size * size;
    return z.map((_, i) => new ImageData(pixels.slice(i * bytes, (i + 1) * bytes), size, size));
  }

  #ask(message) {
    return new Promise((resolve, reject) => {
      const id = this.#asked++;
      this.#waiting.set(id, { resolve, reject });
      if (this.#failure) this.#settle(id, this.#failure);
      else this.#worker.postMessage({ id, ...message });
    });
  }

  #settle(id, error, value) {
    const { resolve, reject } = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (error) reject(new Refusal(0, error));
    else resolve(value);
  }
}

/** A seed as a BigInt; texts are read. Throws where it is none. */
function seedOf(seed) {
  const text = String(seed).trim();
  const number = /^[0-9]{1,20}$/.test(text) ? BigInt(text) : -1n;
  if (number < 0n || number >= 2n ** 64n) {
    throw new Refusal(0, `${text} is not a seed: a seed is a whole number from 0 to 2**64 - 1.`);
  }
  return number;
}
