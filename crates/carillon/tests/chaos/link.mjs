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
    const lane = new Lane(delay);
    from.on('data', (bytes) => lane.push(() => {
      if (to.writable && !to.write(rename(bytes))) from.pause();
    }));
    to.on('drain', () => this.isHalted || from.resume());
    from.on('end', () => lane.push(() => to.end()));
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

/** One direction: all in order, each when it is due. */
class Lane {
  #delay;
  #waiting = [];

  constructor(delay) {
    this.#delay = delay;
  }

  push(act) {
    const delay = this.#delay();
    if (delay === 0 && this.#waiting.length === 0) return void act();
    this.#waiting.push({ due: performance.now() + delay, act });
    if (this.#waiting.length === 1) this.#wait();
  }

  #wait() {
    setTimeout(() => {
      // Only here is anything taken out, so that nothing passes another.
      while (this.#waiting.length > 0 && this.#waiting[0].due <= performance.now()) this.#waiting.shift().act();
      if (this.#waiting.length > 0) this.#wait();
    }, Math.max(0, this.#waiting[0].due - performance.now()));
  }
}
