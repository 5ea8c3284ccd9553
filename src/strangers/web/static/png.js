/** PNG files with their provenance, as strangers.images writes them in Python. */
import { context2d, h } from "./dom.js";

const SIGNATURE_BYTES = 8;
const SIGNATURE_AND_HEADER = 8 + 25; // bytes before the first chunk that may follow

/** XMP that marks a picture as generated. */
export const PACKET = `<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about=""
    xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/">
   <Iptc4xmpExt:DigitalSourceType>http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia</Iptc4xmpExt:DigitalSourceType>
  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>
<?xpacket end="r"?>`;

/**
 * Add the fields as texts, and the mark of a generated picture.
 *
 * @param {Blob} png
 * @param {{[keyword: string]: string}} fields
 */
export async function withProvenance(png, fields) {
  const bytes = new Uint8Array(await png.arrayBuffer());
  const texts = Object.entries(fields).map(([keyword, text]) => chunk("tEXt", `${keyword}\0${text}`));
  const mark = chunk("iTXt", `XML:com.adobe.xmp\0\0\0\0\0${PACKET}`);
  const [start, rest] = [bytes.subarray(0, SIGNATURE_AND_HEADER), bytes.subarray(SIGNATURE_AND_HEADER)];
  return new Blob([start, ...texts, mark, rest], { type: "image/png" });
}

/**
 * The same picture with more pixels and the same provenance.
 *
 * @param {Blob} png
 * @param {number} side Its new height and width.
 */
export async function enlarge(png, side) {
  const canvas = h("canvas", { width: side, height: side });
  const context = context2d(canvas);
  context.imageSmoothingQuality = "high";
  const picture = await createImageBitmap(png);
  context.drawImage(picture, 0, 0, side, side);
  picture.close();
  /** @type {Blob | null} */
  const larger = await new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
  if (!larger) throw new Error("This browser could not write the picture.");
  const bytes = new Uint8Array(await larger.arrayBuffer());
  const texts = textChunks(new Uint8Array(await png.arrayBuffer()));
  const [start, rest] = [bytes.subarray(0, SIGNATURE_AND_HEADER), bytes.subarray(SIGNATURE_AND_HEADER)];
  return new Blob([start, ...texts, rest], { type: "image/png" });
}

/**
 * The chunks of a PNG file that hold text.
 *
 * @param {Uint8Array<ArrayBuffer>} bytes
 */
function textChunks(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const found = [];
  for (let at = SIGNATURE_BYTES; at < bytes.length;) {
    const end = at + 12 + view.getUint32(at); // the length, the kind and the CRC are 4 bytes each
    const kind = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    if (["tEXt", "iTXt", "zTXt"].includes(kind)) found.push(bytes.subarray(at, end));
    at = end;
  }
  return found;
}

/**
 * A chunk of a PNG file: its length, its kind, its data, and the CRC of the last two.
 *
 * @param {string} kind
 * @param {string} text
 */
function chunk(kind, text) {
  const body = new TextEncoder().encode(kind + text);
  const whole = new Uint8Array(body.length + 8);
  const view = new DataView(whole.buffer);
  view.setUint32(0, body.length - 4);
  whole.set(body, 4);
  view.setUint32(body.length + 4, crc(body));
  return whole;
}

/** @param {Uint8Array} bytes */
export function crc(bytes) {
  let remainder = 0xffffffff;
  for (const byte of bytes) {
    remainder ^= byte;
    for (let bit = 0; bit < 8; bit++) remainder = (remainder >>> 1) ^ (remainder & 1 ? 0xedb88320 : 0);
  }
  return ~remainder >>> 0;
}
