/** Answers of a server: raw pixels, base64 and server-sent events. */

/** @param {Response} response Raw pixels. */
export async function facesOf(response) {
  const size = Number(response.headers.get("Face-Size"));
  return decodeFaces(new Uint8Array(await response.arrayBuffer()), size);
}

/**
 * RGB bytes of one face after another.
 *
 * @param {Uint8Array} rgb
 * @param {number} size
 */
export function decodeFaces(rgb, size) {
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

/** @param {string} base64 */
export function decodeBase64(base64) {
  return Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
}

/**
 * The server-sent events of a response's body, their data parsed as JSON.
 *
 * @param {ReadableStream<Uint8Array<ArrayBuffer>>} body
 * @returns {AsyncGenerator<{event: any, data: any}>}
 */
export async function* serverSentEvents(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const blocks = (text + value).split("\n\n");
    text = blocks.pop() ?? "";
    for (const block of blocks) {
      const fields = Object.fromEntries(block.split("\n").map((line) => line.split(/: (.*)/s, 2)));
      if (fields.data) yield { event: fields.event, data: JSON.parse(fields.data) };
    }
  }
}
