// A network that can be cut: a TCP relay on 127.0.0.1 in front of a port. A cut closes what is open
// and refuses what comes; a hold accepts and says nothing; mending lets all through again.

import { once } from 'node:events';
import { connect, createServer } from 'node:net';

/** A relay to `port`; `ends` is given its closing, to be called when the test is over. */
export async function relay(port, ends) {
  const opened = new Relay(port);
  ends(() => opened.close());
  await opened.open();
  return opened;
}

export class Relay {
  #server = createServer((near) => this.#take(near));
  #pairs = new Set();
  #held = [];
  #state = 'whole';
  /** How many connections clients have opened so far. */
  accepted = 0;

  /** `port` may be set anew: connections to come go there. */
  constructor(port) {
    this.port = port;
  }

  get url() {
    return `http://127.0.0.1:${this.#server.address().port}`;
  }

  async open() {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
  }

  /** Closes every connection at once, both ways, and each new one until `hold` or `mend`. */
  cut() {
    this.#state = 'cut';
    for (const pair of this.#pairs) pair.forEach((end) => end.destroy());
  }

  /** From now on new connections wait, unanswered, until `mend`. */
  hold() {
    this.#state = 'held';
  }

  mend() {
    this.#state = 'whole';
    for (const near of this.#held.splice(0)) if (!near.destroyed) this.#join(near);
  }

  async close() {
    this.cut();
    for (const near of this.#held.splice(0)) near.destroy();
    await new Promise((done) => this.#server.close(done));
  }

  #take(near) {
    this.accepted += 1;
    near.on('error', () => near.destroy());
    if (this.#state === 'cut') near.destroy();
    else if (this.#state === 'held') this.#held.push(near);
    else this.#join(near);
  }

  #join(near) {
    const far = connect(this.port, '127.0.0.1');
    const pair = [near, far];
    this.#pairs.add(pair);
    far.on('error', () => far.destroy());
    for (const [from, to] of [[near, far], [far, near]]) {
      from.setNoDelay(true);
      from.pipe(to);
      from.on('close', () => {
        to.destroy();
        this.#pairs.delete(pair);
      });
    }
  }
}
