/** Memory for a training, and the product of matrices in it: by WebAssembly where that is allowed. */
import { compileKernel } from "./wasm-kernel.js";

/** @import {Kernel} from "./wasm-kernel.js" */

const BYTES = 4; // of a number
const PAGE = 65_536;

export class Arena {
  /**
   * @param {number} megabytes
   * @param {boolean} [wasm] False computes in JavaScript.
   */
  constructor(megabytes, wasm = true) {
    this.used = 0;
    /** @type {Kernel | null} */
    this.kernel = null;
    const pages = Math.ceil((megabytes * 2 ** 20) / PAGE);
    try {
      const memory = new WebAssembly.Memory({ initial: pages });
      if (wasm) this.kernel = compileKernel(memory);
      this.buffer = memory.buffer;
    } catch {
      this.buffer = new ArrayBuffer(pages * PAGE); // no WebAssembly, or none with SIMD
    }
  }

  /** @param {number} count */
  allocate(count) {
    const start = this.used;
    this.used += 16 * Math.ceil((count * BYTES) / 16);
    return new Float32Array(this.buffer, start, count);
  }

  /**
   * C = A B, or C += A B, of matrices (n, k), (k, m) and (n, m), row by row; n and m are multiples of 4.
   *
   * @param {Float32Array} a
   * @param {Float32Array} b
   * @param {Float32Array} c
   * @param {number} n
   * @param {number} k
   * @param {number} m
   * @param {{transposed?: boolean, add?: boolean}} [options] transposed: A is given as (k, n).
   */
  multiply(a, b, c, n, k, m, { transposed = false, add = false } = {}) {
    if (!add) c.fill(0, 0, n * m);
    const [row, step] = transposed ? [1, n] : [k, 1];
    if (this.kernel) {
      this.kernel(a.byteOffset, b.byteOffset, c.byteOffset, n, k, m, row * BYTES, step * BYTES);
    } else {
      multiply(a, b, c, n, k, m, row, step);
    }
  }
}

/**
 * The same as the kernel of WebAssembly: two rows and four columns at a time.
 *
 * @param {Float32Array} a
 * @param {Float32Array} b
 * @param {Float32Array} c
 * @param {number} n
 * @param {number} k
 * @param {number} m
 * @param {number} row
 * @param {number} step
 */
function multiply(a, b, c, n, k, m, row, step) {
  for (let i = 0; i < n; i += 2) {
    for (let j = 0; j < m; j += 4) {
      let c00 = 0;
      let c01 = 0;
      let c02 = 0;
      let c03 = 0;
      let c10 = 0;
      let c11 = 0;
      let c12 = 0;
      let c13 = 0;
      for (let p = 0, q = j, at = i * row; p < k; p++, q += m, at += step) {
        const b0 = b[q];
        const b1 = b[q + 1];
        const b2 = b[q + 2];
        const b3 = b[q + 3];
        const x = a[at];
        const y = a[at + row];
        c00 += x * b0;
        c01 += x * b1;
        c02 += x * b2;
        c03 += x * b3;
        c10 += y * b0;
        c11 += y * b1;
        c12 += y * b2;
        c13 += y * b3;
      }
      const first = i * m + j;
      c[first] += c00;
      c[first + 1] += c01;
      c[first + 2] += c02;
      c[first + 3] += c03;
      c[first + m] += c10;
      c[first + m + 1] += c11;
      c[first + m + 2] += c12;
      c[first + m + 3] += c13;
    }
  }
}
