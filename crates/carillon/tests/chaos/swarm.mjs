// A process full of pages: stock clients of all generations, told by its parent what to do, telling what they hear.

import { createRequire } from 'node:module';
import { Page } from '../clients/generations.mjs';

const require = createRequire(new URL('../clients/package.json', import.meta.url));
const { WebSocket } = require('ws');

const TELL_MS = 100;
const NAMESPACE = '/notice';
/** As stock clients, but that nobody waits longer than 2 s. */
const RETURNING = { reconnectionDelay: 500, reconnectionDelayMax: 2_000, timeout: 5_000 };

class WatchedPage extends Page {
  constructor({ name, cookie, ...rest }) {
    const headers = cookie ? { extraHeaders: { cookie } } : {};
    super({ ...rest, namespace: NAMESPACE, options: { ...RETURNING, ...headers } });
    // Told at once, and kept nowhere here.
    this.heard = { push: (event) => tell(name, event) };
  }

  /** Leaves what comes in the system's hands; a poll would only be asked again. */
  pause() {
    this.paused = this.manager.engine?.transport?.ws?._socket;
    this.paused?.pause();
  }

  resume() {
    this.paused?.resume();
    this.paused = null;
  }
}

const pages = new Map();
let rows = [];

function tell(name, { name: event, args: [data, meta] }) {
  const at = Date.now();
  if (event === 'connect') rows.push([name, 'connected', at, pages.get(name)?.socket.recovered]);
  else if (event === 'disconnect') rows.push([name, 'cut', at, String(data)]);
  else if (event === 'notice.gap') rows.push([name, 'gap', at]);
  else if (event.startsWith('file.')) {
    rows.push([name, 'heard', at, { identity: data.identity, step: data.step, isEnd: event !== 'file.progress', id: meta.id, isReplayed: meta.replayed }]);
  }
}

const DEEDS = {
  open({ page }) {
    pages.set(page.name, new WatchedPage(page));
  },
  close({ name }) {
    pages.get(name).resume();
    pages.get(name).close();
    pages.delete(name);
  },
  pause({ names }) {
    for (const name of names) pages.get(name)?.pause();
  },
  resume() {
    for (const page of pages.values()) page.resume();
  },
  haunt({ url, users }) {
    for (const user of users) ghosts.push(ghost(url, user));
  },
  exorcise() {
    for (const socket of ghosts.splice(0)) socket.terminate();
  },
};

/** One that enters, and then reads nothing and answers nothing. */
const ghosts = [];
function ghost(url, user) {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/socket.io/?EIO=4&transport=websocket`);
  socket.on('error', () => {});
  socket.once('message', () => {
    socket.send(`40${NAMESPACE},${JSON.stringify({ user })}`);
    socket._socket.pause();
  });
  return socket;
}

process.on('message', (order) => DEEDS[order.deed](order));
// Whoever has no parent is not needed any more.
process.on('disconnect', () => process.exit(0));
setInterval(() => {
  if (rows.length === 0 || !process.connected) return;
  process.send(rows, () => {});
  rows = [];
}, TELL_MS);
