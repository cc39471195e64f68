// What is done over and over, until it is told to stop.

/** Whoever extends it says in `round` what that is. */
export class Ceaseless {
  #isOver = false;
  #going;

  start() {
    this.#going = this.#goOn();
  }

  /** After the round that it is in. */
  async stop() {
    this.#isOver = true;
    await this.#going;
  }

  async #goOn() {
    while (!this.#isOver) await this.round();
  }
}
