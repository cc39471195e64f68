// A way between two that speak TCP, on which things happen: it is cut, it falls silent, it grows long.

import { once } from 'node:events';
import { connect, createServer } from 'node:net';

export class Link {
  #server = createServer({ noDelay: true }, (near) => this.#open(near));
  #target;
  #rename;
  #pairs = new Set();
  #isCut = false;
  #isSilent = false;
  #delay = 0;

  /** `rename` is given what comes back, and says what is handed on instead. */
  constructor(target, { rename } = {}) {
    this.#target = target;
    this.#rename = rename;
  }

  async start(port) {
    this.port = port;
    this.#server.listen(port, '127.0.0.1');
    await once(this.#server, 'listening');
  }

  /** Ends every connection with a reset, and each new one at once. */
  cut() {
    this.#isCut = true;
    for (const pair of this.#pairs) pair.end();
  }

  /** Hands nothing on; what comes meanwhile waits. */
  silence() {
    this.#isSilent = true;
    for (const pair of this.#pairs) pair.halt();
  }

  /** So many ms each way. */
  lengthen(delay) {
    this.#delay = delay;
  }

  heal() {
    this.#isCut = false;
    this.#isSilent = false;
    this.#delay = 0;
    for (const pair of this.#pairs) pair.go();
  }

  close() {
    this.cut();
    this.#server.close();
  }

  #open(near) {
    if (this.#isCut) {
      near.on('error', () => {});
      return void near.resetAndDestroy();
    }
    const far = connect({ port: this.#target, host: '127.0.0.1', noDelay: true });
    const pair = new Pair(near, far, () => this.#delay, this.#rename);
    this.#pairs.add(pair);
    pair.onEnd = () => near.destroyed && far.destroyed && this.#pairs.delete(pair);
    if (this.#isSilent) pair.halt();
  }
}

class Pair {
  #sides;
  onEnd = () => {};

  constructor(near, far, delay, rename = (bytes) => bytes) {
    this.#sides = [near, far];
    this.#carry(near, far, delay, (bytes) => bytes);
    this.#carry(far, near, delay, rename);
  }

  #carry(from, to, delay, rename) {
    // In order, whatever the delay was when each came.
    let last = 0;
    const later = (act) => {
      const due = Math.max(performance.now() + delay(), last);
      last = due;
      if (due <= performance.now()) act();
      else setTimeout(act, due - performance.now());
    };
    from.on('data', (bytes) => later(() => {
      if (to.writable && !to.write(rename(bytes))) from.pause();
    }));
    to.on('drain', () => this.isHalted || from.resume());
    from.on('end', () => later(() => to.end()));
    from.on('error', () => this.end());
    from.on('close', () => this.onEnd());
  }

  halt() {
    this.isHalted = true;
    for (const side of this.#sides) side.pause();
  }

  go() {
    this.isHalted = false;
    for (const side of this.#sides) side.resume();
  }

  end() {
    for (const side of this.#sides) if (!side.destroyed) side.resetAndDestroy();
  }
}
