/** ZIP files of files that are compressed already, such as PNG. */
import { crc } from "./png.js";

const VERSION = 20; // 2.0, the first with folders
const UTF8_NAMES = 1 << 11;
const FIRST_DATE = 33; // January 1, 1980

/**
 * A ZIP file, without compression.
 *
 * @param {{name: string, blob: Blob}[]} files
 */
export async function zip(files) {
  const parts = [];
  const directory = [];
  let offset = 0;
  for (const { name, blob } of files) {
    const data = new Uint8Array(await blob.arrayBuffer());
    const path = new TextEncoder().encode(name);
    const described = [VERSION, UTF8_NAMES, 0, 0, FIRST_DATE].map(
      (value) => /** @type {const} */ ([2, value]),
    );
    const fields = [
      ...described,
      [4, crc(data)],
      [4, data.length],
      [4, data.length],
      [2, path.length],
      [2, 0],
    ];
    const header = bytesOf([[4, 0x04034b50], ...fields]);
    directory.push(
      bytesOf([[4, 0x02014b50], [2, VERSION], ...fields, [2, 0], [2, 0], [2, 0], [4, 0], [4, offset]]),
      path,
    );
    parts.push(header, path, data);
    offset += header.length + path.length + data.length;
  }
  const size = directory.reduce((sum, part) => sum + part.length, 0);
  const { length } = files;
  const end = [
    [4, 0x06054b50],
    [2, 0],
    [2, 0],
    [2, length],
    [2, length],
    [4, size],
    [4, offset],
    [2, 0],
  ];
  return new Blob([...parts, ...directory, bytesOf(end)], { type: "application/zip" });
}

/**
 * Numbers as little-endian bytes.
 *
 * @param {(readonly number[])[]} fields The width of each, in bytes, and its value.
 */
function bytesOf(fields) {
  const bytes = fields.flatMap(([width, value]) =>
    Array.from({ length: width }, (_, i) => (value >>> (8 * i)) & 0xff),
  );
  return Uint8Array.from(bytes);
}
