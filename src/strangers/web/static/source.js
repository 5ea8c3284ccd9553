/**
 * Where faces come from. The views know this interface and nothing else of the world:
 *
 *   views                           names of the views that it can feed
 *   model()                         {hash, size, latent_size, latent, images_seen, recipe, most_faces, ...}
 *   latents(seeds)                  seeds (texts, BigInts) -> Float32Array each, before truncation
 *   faces({seeds|latents, truncation})   -> ImageData each, in their order; truncation multiplies the latents
 *   png({seed, truncation}|{latent})     -> Blob: one PNG that says that it was generated
 *   directions()                    {state: "ready"|"finding"|"none", why, names, accuracies, vectors}
 *
 * and, where `views` has "photograph" and "training":
 *
 *   invert(file, signal)            async iterator of {kind, ...}: one "photograph", then "step"s
 *   runs()  log(run)  grid(run, sample)     run folders, as docs/page.md has them
 */

/** What a person is told in a sentence, the server's or the page's own. */
export class Refusal extends Error {
  constructor(status, sentence) {
    super(sentence);
    this.status = status;
  }
}

/** Faces from `strangers serve`. `askToken()` is called where the server wants a token. */
export class HttpSource {
  constructor(root = "", askToken = async () => null) {
    this.root = root;
    this.askToken = askToken;
    this.views = ["faces", "explore", "photograph", "training"];
    this.hash = "";
    this.size = 0;
  }

  async model() {
    const model = await this.#json("api/model");
    this.hash = model.hash;
    this.size = model.size;
    return model;
  }

  async latents(seeds) {
    const { latents } = await this.#json(`api/latents?seeds=${seeds.join(",")}`);
    return latents.map((latent) => Float32Array.from(latent));
  }

  async faces({ seeds, latents, truncation = 1 }, signal) {
    const answer = seeds
      ? await this.#ask(`api/faces?${this.#query(truncation)}&seeds=${ranges(seeds)}`, { signal })
      : await this.#post("api/faces", { latents: latents.map((latent) => [...latent]), truncation }, signal);
    const size = Number(answer.headers.get("Face-Size"));
    return unpack(new Uint8Array(await answer.arrayBuffer()), size);
  }

  async png({ seed, truncation = 1, latent }) {
    const answer = latent
      ? await this.#post("api/face.png", { latents: [[...latent]] })
      : await this.#ask(`api/face/${seed}.png?${this.#query(truncation)}`);
    return answer.blob();
  }

  async directions() {
    const found = await this.#json("api/directions");
    return { ...found, vectors: found.vectors.map((vector) => Float32Array.from(vector)) };
  }

  async *invert(file, signal) {
    const answer = await this.#ask("api/invert", { method: "POST", body: file, signal });
    for await (const { event, data } of events(answer.body)) {
      if (event === "failed") throw new Refusal(500, data.error);
      if (data.face) data.face = unpack(bytes(data.face), this.size)[0];
      if (data.latent) data.latent = Float32Array.from(data.latent);
      yield { kind: event, ...data };
    }
  }

  runs() {
    return this.#json("api/runs");
  }

  log(run) {
    return this.#json(`api/runs/${run}/log`);
  }

  async grid(run, sample) {
    return (await this.#ask(`api/runs/${run}/samples/${sample}.png`)).blob();
  }

  #query(truncation) {
    return `truncation=${truncation}&model=${this.hash}`; // with the hash, a copy stays true for ever
  }

  async #json(path) {
    return (await this.#ask(path)).json();
  }

  #post(path, value, signal) {
    const headers = { "Content-Type": "application/json" };
    return this.#ask(path, { method: "POST", headers, body: JSON.stringify(value), signal });
  }

  async #ask(path, options = {}) {
    const answer = await reach(this.root + path, options);
    if (answer.ok) return answer;
    const { error } = await answer.json().catch(() => ({ error: `The server answered ${answer.status}.` }));
    if (answer.status === 401 && (await this.#signIn(error))) return this.#ask(path, options);
    throw new Refusal(answer.status, error);
  }

  /** Several requests may be refused at once; the person is asked one time. */
  async #signIn(sentence) {
    this.asking ??= this.#askAndSend(sentence).finally(() => (this.asking = null));
    return this.asking;
  }

  async #askAndSend(sentence) {
    for (;;) {
      const token = await this.askToken(sentence);
      if (token === null) return false;
      const body = JSON.stringify({ token });
      const headers = { "Content-Type": "application/json" };
      const answer = await reach(`${this.root}api/session`, { method: "POST", headers, body });
      if (answer.ok) return true;
      sentence = (await answer.json()).error;
    }
  }
}

async function reach(address, options) {
  try {
    return await fetch(address, options);
  } catch (error) {
    throw error.name === "AbortError" ? error : new Refusal(0, "The server does not answer.");
  }
}

/** [0, 1, 2, 7] as "0-2,7"; seeds are BigInts or their texts. */
export function ranges(seeds) {
  const runs = [];
  for (const seed of seeds.map(BigInt)) {
    const last = runs.at(-1);
    if (last && seed === last[1] + 1n) last[1] = seed;
    else runs.push([seed, seed]);
  }
  return runs.map(([first, last]) => (first === last ? `${first}` : `${first}-${last}`)).join(",");
}

/** RGB bytes of pictures, one after another, as ImageData each. */
export function unpack(rgb, size) {
  const faces = [];
  for (let start = 0; start < rgb.length; start += 3 * size * size) {
    const face = new ImageData(size, size);
    const rgba = new Uint32Array(face.data.buffer);
    for (let pixel = 0, at = start; pixel < rgba.length; pixel++, at += 3) {
      rgba[pixel] = 0xff000000 | (rgb[at + 2] << 16) | (rgb[at + 1] << 8) | rgb[at]; // little-endian
    }
    faces.push(face);
  }
  return faces;
}

function bytes(base64) {
  return Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
}

/** The server-sent events of a body: {event, data}, data read as JSON. */
async function* events(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    text += value;
    const whole = text.split("\n\n");
    text = whole.pop();
    for (const block of whole) {
      const fields = Object.fromEntries(block.split("\n").map((line) => line.split(/: (.*)/s, 2)));
      if (fields.data) yield { event: fields.event, data: JSON.parse(fields.data) };
    }
  }
}
