/** Faces and runs from `strangers serve`. */
import { decodeBase64, decodeFaces, facesOf, serverSentEvents } from "./decoding.js";
import { UserError } from "./errors.js";

/** @import {Game, Kind} from "./game.js" */
/** @import {Latent} from "./latent-math.js" */
/** @import {Curves, Directions, FacesRequest, GameFacts, InversionEvent, Model, OneFace, PreparedSet, Run, ServedModel, ServerSource, Square} from "./source.js" */

/** @implements {ServerSource} */
export class HttpSource {
  /**
   * @param {string} root Where the server's paths begin.
   * @param {(message: string) => Promise<string | null>} askToken Called if the server wants a token.
   */
  constructor(root, askToken) {
    this.root = root;
    this.askToken = askToken;
    /** @type {ServerSource["views"]} */
    this.views = ["faces", "explore", "photograph", "sets", "training", "game", "learn"];
    this.hash = "";
    this.size = 0;
    /** @type {Promise<boolean> | null} */
    this.signingIn = null;
  }

  /** @returns {Promise<ServedModel[]>} */
  async models() {
    return (await this.#json("api/models")).models;
  }

  /**
   * @param {string} [hash]
   * @returns {Promise<Model>}
   */
  async model(hash) {
    const model = await this.#json(`api/model${hash ? `?model=${hash}` : ""}`);
    this.hash = model.hash;
    this.size = model.size;
    return model;
  }

  /**
   * @param {string[]} seeds
   * @returns {Promise<Latent[]>}
   */
  async latents(seeds) {
    const { latents } = await this.#json(`api/latents?model=${this.hash}&seeds=${seeds.join(",")}`);
    return latents.map((/** @type {number[]} */ latent) => Float32Array.from(latent));
  }

  /**
   * @param {FacesRequest} request
   * @param {AbortSignal} [signal]
   */
  async faces({ seeds, latents = [], truncation = 1 }, signal) {
    const response = seeds
      ? await this.#fetch(`api/faces?${this.#query(truncation)}&seeds=${ranges(seeds)}`, { signal })
      : await this.#post(
          `api/faces?model=${this.hash}`,
          { latents: latents.map((latent) => [...latent]), truncation },
          signal,
        );
    return facesOf(response);
  }

  /**
   * @param {string[]} seeds
   * @param {number} truncation
   */
  async best(seeds, truncation) {
    const asked = `${this.#query(truncation)}&seeds=${ranges(seeds)}`;
    const [faces, { certainties, least }] = await Promise.all([
      this.faces({ seeds, truncation }),
      this.#json(`api/certainties?${asked}`),
    ]);
    return faces.map((face, i) => (certainties[i] < least ? null : face));
  }

  /**
   * @param {Latent[]} latents
   * @param {number} framesPerSecond
   */
  async walk(latents, framesPerSecond) {
    const body = { latents: latents.map((latent) => [...latent]), frames_per_second: framesPerSecond };
    return (await this.#post(`api/walk.webp?model=${this.hash}`, body)).blob();
  }

  /** @returns {Promise<{sets: PreparedSet[]}>} */
  sets() {
    return this.#json("api/sets");
  }

  /**
   * @param {string} set
   * @param {number} first
   * @param {number} count
   */
  async images(set, first, count) {
    return facesOf(await this.#fetch(`api/sets/${set}/images?first=${first}&count=${count}`));
  }

  /** @returns {Promise<GameFacts>} */
  games() {
    return this.#json(`api/games?model=${this.hash}`);
  }

  /**
   * @param {boolean} consent
   * @returns {Promise<Game>}
   */
  async beginGame(consent) {
    const begun = await this.#post(`api/games?model=${this.hash}`, { consent });
    const { id, shown_ms: shownMs } = await begun.json();
    const faces = await facesOf(await this.#fetch(`api/games/${id}/faces`));
    const answer = async (/** @type {number} */ position, /** @type {Kind} */ answer) =>
      (await this.#post(`api/games/${id}/answers`, { position, answer })).json();
    return { faces, shownMs, answer };
  }

  /** @param {OneFace} face */
  async png(face) {
    const response =
      "latent" in face
        ? await this.#post(`api/face.png?model=${this.hash}`, { latents: [[...face.latent]] })
        : await this.#fetch(`api/face/${face.seed}.png?${this.#query(face.truncation ?? 1)}`);
    return response.blob();
  }

  /** @returns {Promise<Directions>} */
  async directions() {
    const directions = await this.#json(`api/directions?model=${this.hash}`);
    const vectors = directions.vectors.map((/** @type {number[]} */ vector) => Float32Array.from(vector));
    return { ...directions, vectors };
  }

  /**
   * @param {File} file
   * @param {AbortSignal} signal
   * @param {Square} [square] The part that the model sees.
   * @returns {AsyncGenerator<InversionEvent>}
   */
  async *invert(file, signal, square) {
    const part = square ? `&square=${square.map((number) => number.toFixed(2)).join(",")}` : "";
    const response = await this.#fetch(`api/invert?model=${this.hash}${part}`, {
      method: "POST",
      body: file,
      signal,
    });
    if (!response.body) return;
    for await (const { event, data } of serverSentEvents(response.body)) {
      if (event === "failed") throw new UserError(data.error);
      if (data.face) data.face = decodeFaces(decodeBase64(data.face), this.size)[0];
      if (data.latent) data.latent = Float32Array.from(data.latent);
      yield { kind: event, ...data };
    }
  }

  /** @returns {Promise<{runs: Run[]}>} */
  runs() {
    return this.#json("api/runs");
  }

  /**
   * @param {string} run
   * @returns {Promise<Curves>}
   */
  log(run) {
    return this.#json(`api/runs/${run}/log`);
  }

  /**
   * @param {string} run
   * @param {string} sample
   */
  async grid(run, sample) {
    return (await this.#fetch(`api/runs/${run}/samples/${sample}.png`)).blob();
  }

  async drawnFaces() {
    return (await this.#fetch("api/drawn-faces.webp")).blob();
  }

  trainer() {
    return new Worker(trusted(new URL("./learn/worker.js", import.meta.url).href), { type: "module" });
  }

  /** @param {number} truncation */
  #query(truncation) {
    return `truncation=${truncation}&model=${this.hash}`; // with the hash, a cached answer never goes stale
  }

  /**
   * @param {string} path
   * @returns {Promise<any>}
   */
  async #json(path) {
    return (await this.#fetch(path)).json();
  }

  /**
   * @param {string} path
   * @param {object} value
   * @param {AbortSignal} [signal]
   */
  #post(path, value, signal) {
    return this.#fetch(path, { ...jsonRequest(value), signal });
  }

  /**
   * @param {string} path
   * @param {RequestInit} options
   * @returns {Promise<Response>}
   */
  async #fetch(path, options = {}) {
    const response = await fetchOrExplain(this.root + path, options);
    if (response.ok) return response;
    const message = await errorOf(response);
    if (response.status !== 401) throw new UserError(message);
    if (await this.#signIn(message)) return this.#fetch(path, options);
    throw new UserError(message);
  }

  /**
   * Several requests may need the token at once; the visitor is asked one time, and not again after a refusal.
   *
   * @param {string} message
   */
  async #signIn(message) {
    this.signingIn ??= this.#askAndSend(message);
    let refused = false;
    try {
      const signedIn = await this.signingIn;
      refused = !signedIn;
      return signedIn;
    } finally {
      if (!refused) this.signingIn = null;
    }
  }

  /** @param {string} message */
  async #askAndSend(message) {
    for (;;) {
      const token = await this.askToken(message);
      if (token === null) return false;
      const response = await fetchOrExplain(`${this.root}api/session`, jsonRequest({ token }));
      if (response.ok) return true;
      message = await errorOf(response);
    }
  }
}

/**
 * The address of a script of this page, as the server's policy (require-trusted-types-for) wants it.
 *
 * @param {string} address
 */
function trusted(address) {
  const { trustedTypes } = /** @type {any} */ (globalThis);
  const policy = trustedTypes?.createPolicy("strangers", {
    createScriptURL: (/** @type {string} */ url) => url,
  });
  return policy ? policy.createScriptURL(address) : address;
}

/**
 * @param {object} value
 * @returns {RequestInit}
 */
function jsonRequest(value) {
  return {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(value),
  };
}

/**
 * @param {string} address
 * @param {RequestInit} options
 */
async function fetchOrExplain(address, options) {
  try {
    return await fetch(address, options);
  } catch (error) {
    if (error instanceof Error && error.name === "AbortError") throw error;
    throw new UserError("The server does not answer.");
  }
}

/**
 * @param {Response} response
 * @returns {Promise<string>}
 */
async function errorOf(response) {
  const { error } = await response.json().catch(() => ({}));
  return error ?? `The server answered ${response.status}.`;
}

/**
 * [0, 1, 2, 7] as "0-2,7".
 *
 * @param {(string | bigint)[]} seeds
 */
export function ranges(seeds) {
  /** @type {[bigint, bigint][]} */
  const runs = [];
  for (const seed of seeds.map(BigInt)) {
    const last = runs.at(-1);
    if (last && seed === last[1] + 1n) last[1] = seed;
    else runs.push([seed, seed]);
  }
  return runs.map(([first, last]) => (first === last ? `${first}` : `${first}-${last}`)).join(",");
}
