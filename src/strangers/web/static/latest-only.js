/**
 * Draws while a slider moves: at most one request at a time, and after it only the newest input.
 *
 * @template Input, Output
 */
export class LatestOnly {
  /**
   * @param {(input: Input) => Promise<Output>} draw
   * @param {(output: Output, input: Input) => void} show
   * @param {(error: unknown) => void} fail
   */
  constructor(draw, show, fail) {
    this.draw = draw;
    this.show = show;
    this.fail = fail;
    this.busy = false;
    /** @type {Input | undefined} */
    this.waiting = undefined;
  }

  /** @param {Input} input */
  async request(input) {
    this.waiting = input;
    if (this.busy) return;
    this.busy = true;
    try {
      while (this.waiting !== undefined) {
        const next = this.waiting;
        this.waiting = undefined;
        this.show(await this.draw(next), next);
      }
    } catch (error) {
      this.waiting = undefined;
      this.fail(error);
    } finally {
      this.busy = false;
    }
  }
}
