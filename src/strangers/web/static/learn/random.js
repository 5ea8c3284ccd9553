/** Random numbers of a training, by its seed. */

export class Random {
  /** @param {number} seed */
  constructor(seed) {
    this.state = seed | 0;
    /** @type {number | null} */
    this.spare = null;
  }

  /** Uniform in [0, 1): Mulberry32. */
  uniform() {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let word = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state);
    word = (word + Math.imul(word ^ (word >>> 7), 61 | word)) ^ word;
    return ((word ^ (word >>> 14)) >>> 0) / 2 ** 32;
  }

  /** @param {number} limit */
  integer(limit) {
    return Math.floor(this.uniform() * limit);
  }

  /** Standard normal (Box and Muller 1958). */
  normal() {
    if (this.spare !== null) {
      const spare = this.spare;
      this.spare = null;
      return spare;
    }
    const radius = Math.sqrt(-2 * Math.log(1 - this.uniform()));
    const angle = 2 * Math.PI * this.uniform();
    this.spare = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  }

  /**
   * @param {Float32Array} array
   * @param {number} [deviation]
   */
  fillNormal(array, deviation = 1) {
    for (let i = 0; i < array.length; i++) array[i] = deviation * this.normal();
  }
}
