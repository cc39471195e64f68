// The pages of a run, over a few processes, and what they heard, given to the model.

import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { PAIRS } from '../clients/generations.mjs';

const PER_SWARM = 300;
const PAGES_PER_USER = 3;
const GHOSTS = 20;
const NODES = 3;
/** So many orders to open go out at once, or the opening is a storm of its own. */
const OPENED_AT_ONCE = 25;
const OPEN_GAP_MS = 100;

export class Swarms {
  #children = [];
  #model;
  #url;
  #pages = [];
  #opened = 0;
  /** Whether all have a cookie. */
  #isSticky;

  constructor({ count, url, model, pairs = PAIRS, isSticky = false }) {
    this.#isSticky = isSticky;
    this.#model = model;
    this.#url = url;
    const swarms = Math.ceil(count / PER_SWARM);
    this.#children = Array.from({ length: swarms }, () => this.#swarm());
    const users = Math.ceil(count / PAGES_PER_USER);
    this.users = Array.from({ length: users }, (_, index) => `u${index}`);
    // By turns, so that the pages of a user are of different kinds.
    this.#pages = Array.from({ length: count }, (_, index) => ({ ...pairs[index % pairs.length], index, user: this.users[index % users] }));
  }

  #swarm() {
    const child = fork(fileURLToPath(new URL('swarm.mjs', import.meta.url)), { serialization: 'advanced' });
    child.on('message', (rows) => rows.forEach((row) => this.#heard(row)));
    return child;
  }

  #heard([name, what, at, more]) {
    if (what === 'heard') this.#model.heard(name, { at, ...more });
    else this.#model[what](name, at, more);
  }

  async open() {
    for (const page of this.#pages) {
      this.#open(page);
      if (page.index % OPENED_AT_ONCE === 0) await new Promise((wake) => setTimeout(wake, OPEN_GAP_MS));
    }
  }

  /** Two of three have a cookie as a browser would, of the node that it met first; the others go to any. */
  #open(page) {
    const { generation, transport, user, index } = page;
    page.name = `page-${this.#opened += 1}`;
    const cookie = index % 3 === 0 && !this.#isSticky ? null : `carillon-node=node-${1 + (Math.floor(index / 3) % NODES)}`;
    this.#model.opened(page.name, { user, about: `${generation} by ${transport}${cookie ? '' : ', without cookie'}`, at: Date.now() });
    this.#child(page).send({ deed: 'open', page: { name: page.name, generation, transport, cookie, query: `user=${user}`, url: this.#url } });
  }

  #child({ index }) {
    return this.#children[index % this.#children.length];
  }

  #chosen(rest, share) {
    return this.#pages.filter(({ index }) => index % share === rest);
  }

  /** One of `share` stops reading. */
  pause(rest, share) {
    const names = this.#chosen(rest, share).map(({ name }) => name);
    this.#all({ deed: 'pause', names });
  }

  resume() {
    this.#all({ deed: 'resume' });
  }

  /** One of `share` is closed, and another page opened in its place. */
  reload(rest, share) {
    for (const page of this.#chosen(rest, share)) {
      this.#model.closed(page.name);
      this.#child(page).send({ deed: 'close', name: page.name });
      this.#open(page);
    }
  }

  haunt() {
    this.#children[0].send({ deed: 'haunt', url: this.#url, users: this.users.slice(0, GHOSTS) });
  }

  exorcise() {
    this.#children[0].send({ deed: 'exorcise' });
  }

  #all(order) {
    for (const child of this.#children) child.send(order);
  }

  async stop() {
    await Promise.all(this.#children.map(async (child) => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const exit = once(child, 'exit');
      child.kill('SIGKILL');
      await exit;
    }));
  }
}
