/** Draws while a hand moves: one request under way, and after it the newest wish alone. */
export class Live {
  /** draw(wish) -> promise of a result; show(result, wish); fail(error). */
  constructor(draw, show, fail) {
    this.draw = draw;
    this.show = show;
    this.fail = fail;
    this.busy = false;
  }

  async want(wish) {
    this.wish = wish;
    if (this.busy) return;
    this.busy = true;
    try {
      while (this.wish !== undefined) {
        const next = this.wish;
        this.wish = undefined;
        this.show(await this.draw(next), next);
      }
    } catch (error) {
      this.wish = undefined;
      this.fail(error);
    } finally {
      this.busy = false;
    }
  }
}
