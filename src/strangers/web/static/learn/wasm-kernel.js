/**
 * A matrix product in WebAssembly with 128-bit SIMD, assembled here: C += A B, four rows and eight columns at a
 * time in registers.
 *
 * The WebAssembly Core Specification, chapter "Binary Format", has the encoding.
 */

/** @typedef {(a: number, b: number, c: number, n: number, k: number, m: number, row: number, step: number) => void} Kernel
 * Addresses and strides are in bytes; n and m are multiples of 4. */

const ROWS = 4;
const I32 = 0x7f;
const V128 = 0x7b;
// Locals: the parameters, then these.
const [A, B, C, N, K, M, ROW, STEP, I, J, BP, CP, COUNT, WIDTH, FIRST_A] = Array(15).keys();
const FIRST_SUM = FIRST_A + ROWS; // vectors from here on
const FIRST_B = FIRST_SUM + 2 * ROWS;
const SPLAT = FIRST_B + 2;

const get = (/** @type {number} */ local) => [0x20, local];
const set = (/** @type {number} */ local) => [0x21, local];
const constant = (/** @type {number} */ value) => [0x41, ...signed(value)];
const ADD = [0x6a];
const SUBTRACT = [0x6b];
const MULTIPLY = [0x6c];
const LESS = [0x48];
const load = (/** @type {number} */ offset) => [0xfd, 0x00, 2, ...unsigned(offset)];
const SPLAT_LOAD = [0xfd, 0x09, 2, 0];
const STORE = [0xfd, 0x0b, 2, 0];
const VECTOR_ADD = [0xfd, 0xe4, 0x01];
const VECTOR_MULTIPLY = [0xfd, 0xe6, 0x01];

/**
 * Compile the kernel for a memory. Throws WebAssembly.CompileError where there is no SIMD, and EvalError where
 * the policy of the page forbids WebAssembly.
 *
 * @param {WebAssembly.Memory} memory
 * @returns {Kernel}
 */
export function compileKernel(memory) {
  const module = new WebAssembly.Module(assemble());
  const { exports } = new WebAssembly.Instance(module, { page: { memory } });
  return /** @type {Kernel} */ (exports.multiply);
}

function assemble() {
  const name = (/** @type {string} */ text) => vector([...text].map((letter) => letter.charCodeAt(0)));
  const body = [
    ...list([
      [FIRST_SUM - I, I32],
      [SPLAT + 1 - FIRST_SUM, V128],
    ]),
    ...rows(),
    0x0b,
  ];
  return new Uint8Array([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, list([[0x60, ...vector(Array(8).fill(I32)), 0]])),
    ...section(2, list([[...name("page"), ...name("memory"), 0x02, 0x00, 1]])),
    ...section(3, list([[0]])),
    ...section(7, list([[...name("multiply"), 0x00, 0]])),
    ...section(10, list([vector(body)])),
  ]);
}

/** For each four rows: tiles of eight columns, then one of four if they remain. */
function rows() {
  const wide = [...get(J), ...constant(8), ...ADD, ...get(M), 0x4c]; // J + 8 <= M
  return [
    ...constant(0), ...set(I),
    ...whileLoop([...get(I), ...get(N), ...LESS], [
      ...constant(0), ...set(J),
      ...whileLoop(wide, tile(2)),
      ...whileLoop([...get(J), ...get(M), ...LESS], tile(1)),
      ...advance(I, constant(ROWS)),
    ]),
  ]; // prettier-ignore
}

/**
 * ROWS rows and 4 * `vectors` columns of C, from row I and column J on.
 *
 * @param {number} vectors
 */
function tile(vectors) {
  const address = (/** @type {number} */ base) => [
    ...get(base),
    ...get(J),
    ...constant(4),
    ...MULTIPLY,
    ...ADD,
  ];
  const rowOfC = [...get(M), ...constant(4), ...MULTIPLY];
  const sums = (/** @type {(row: number, v: number) => number[]} */ code) =>
    range(ROWS).flatMap((row) => range(vectors).flatMap((v) => code(row, v)));
  const sum = (/** @type {number} */ row, /** @type {number} */ v) => FIRST_SUM + 2 * row + v;
  const pointer = (/** @type {number} */ row) => [
    ...get(A), ...get(I), ...constant(row), ...ADD, ...get(ROW), ...MULTIPLY, ...ADD,
  ]; // prettier-ignore
  const here = [...address(C), ...get(I), ...rowOfC, ...MULTIPLY, ...ADD, ...set(CP)];
  const next = advance(CP, rowOfC);
  const product = range(ROWS).flatMap((row) => [
    ...get(FIRST_A + row), ...SPLAT_LOAD, ...set(SPLAT),
    ...advance(FIRST_A + row, get(STEP)),
    ...range(vectors).flatMap((v) => [
      ...get(sum(row, v)), ...get(SPLAT), ...get(FIRST_B + v), ...VECTOR_MULTIPLY, ...VECTOR_ADD, ...set(sum(row, v)),
    ]),
  ]); // prettier-ignore
  return [
    ...range(ROWS).flatMap((row) => [...pointer(row), ...set(FIRST_A + row)]),
    ...address(B), ...set(BP),
    ...sums(() => []), ...here,
    ...range(ROWS).flatMap((row) => [
      ...range(vectors).flatMap((v) => [...get(CP), ...load(16 * v), ...set(sum(row, v))]), ...next,
    ]),
    ...get(K), ...set(COUNT),
    ...whileLoop(get(COUNT), [
      ...range(vectors).flatMap((v) => [...get(BP), ...load(16 * v), ...set(FIRST_B + v)]),
      ...product,
      ...advance(BP, rowOfC),
      ...get(COUNT), ...constant(1), ...SUBTRACT, ...set(COUNT),
    ]),
    ...here,
    ...range(ROWS).flatMap((row) => [
      ...range(vectors).flatMap((v) => [...get(CP), ...constant(16 * v), ...ADD, ...get(sum(row, v)), ...STORE]),
      ...next,
    ]),
    ...advance(J, constant(4 * vectors)),
  ]; // prettier-ignore
}

/**
 * @param {number} local
 * @param {number[]} by Code of a number.
 */
function advance(local, by) {
  return [...get(local), ...by, ...ADD, ...set(local)];
}

/**
 * @param {number[]} condition
 * @param {number[]} body
 */
function whileLoop(condition, body) {
  const leave = [...condition, 0x45, 0x0d, 1]; // i32.eqz, br_if to the end of the block
  return [0x02, 0x40, 0x03, 0x40, ...leave, ...body, 0x0c, 0, 0x0b, 0x0b];
}

/** @param {number} count */
function range(count) {
  return [...Array(count).keys()];
}

/**
 * @param {number} id
 * @param {number[]} content
 */
function section(id, content) {
  return [id, ...vector(content)];
}

/** @param {number[]} bytes */
function vector(bytes) {
  return [...unsigned(bytes.length), ...bytes];
}

/** @param {number[][]} items */
function list(items) {
  return [...unsigned(items.length), ...items.flat()];
}

/** @param {number} value LEB128, as all numbers of the format. */
function unsigned(value) {
  const bytes = [];
  for (; value > 0x7f; value >>>= 7) bytes.push((value & 0x7f) | 0x80);
  return [...bytes, value];
}

/** @param {number} value Of at most 63. */
function signed(value) {
  if (value < 0 || value > 63) throw new RangeError("One byte has 0 to 63.");
  return [value];
}
