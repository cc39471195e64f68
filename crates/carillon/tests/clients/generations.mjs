// The five generations of the official client behind one face: a page that connects, records every
// event in order, asks, and closes. What differs between them is written here and nowhere else.

import { createRequire } from 'node:module';
import { until, within } from './until.mjs';

const require = createRequire(import.meta.url);

export const GENERATIONS = ['1.4', '1.7', '2.5', '3.1', '4.8'];

/** By name, what a client is told to use. */
export const TRANSPORTS = {
  polling: ['polling'],
  websocket: ['websocket'],
  upgrade: ['polling', 'websocket'],
};

/** Every pair of generation and transport: fifteen. */
export const PAIRS = GENERATIONS.flatMap((generation) =>
  Object.keys(TRANSPORTS).map((transport) => ({ generation, transport })));

/** Whether the generation speaks Engine.IO 3 and Socket.IO 4: no `auth`, refusals as bare strings. */
export const isOld = (generation) => Number(generation) < 3;

/** The event that carries a refusal, and its text there. */
export const refusal = (generation) => (isOld(generation)
  ? { event: 'error', text: (reason) => reason }
  : { event: 'connect_error', text: (error) => error.message });

/**
 * The event that announces a departure. Stock clients since 4.7 take an event named `disconnecting`
 * for a broken packet (socket.io-parser 4.2.4), so on Engine.IO 4 it has another name.
 */
export const departure = (generation) => (isOld(generation) ? 'disconnecting' : 'departing');

const CONNECTION_EVENTS = {
  old: {
    socket: ['connecting', 'connect', 'connect_error', 'connect_timeout', 'error', 'disconnect',
      'reconnect', 'reconnect_attempt', 'reconnecting', 'reconnect_error', 'reconnect_failed'],
    manager: [],
  },
  new: {
    socket: ['connect', 'connect_error', 'disconnect'],
    manager: ['open', 'error', 'close', 'reconnect_attempt', 'reconnect', 'reconnect_error',
      'reconnect_failed'],
  },
};

const SERVER_EVENTS = ['downmsg', 'file.progress', 'file.complete', 'file.error', 'file.cancel',
  'notice.gap', 'disconnecting', 'departing'];

/** Opens a page; `ends` is given its closing, to be called when the test is over. */
export function open(options, ends) {
  const page = new Page(options);
  ends(() => page.close());
  return page;
}

export class Page {
  /** Everything heard, in order: `{ name, args, isConnection }`. */
  heard = [];
  /** How often this namespace was asked for on the wire, which a refused client must not repeat. */
  connectsSent = 0;

  /**
   * `query` rides on the namespace's URL (`/notice?user=5`), `auth` goes as such to newer clients.
   * With `beside`, another page, both share that one's Manager.
   */
  constructor({ generation, url, transport = 'websocket', namespace = '/', query, auth, beside, options }) {
    this.generation = generation;
    this.namespace = namespace;
    this.transport = transport;
    const io = require(`socket.io-client-${generation}`);
    const pathAndQuery = namespace + (query ? `?${query}` : '');
    this.socket = beside
      ? socketBeside(beside, pathAndQuery, { query, auth })
      : io(url + pathAndQuery, {
        transports: TRANSPORTS[transport],
        forceNew: true,
        reconnectionDelay: 50,
        reconnectionDelayMax: 200,
        timeout: 5_000,
        ...(auth && { auth }),
        ...options,
      });
    this.#record();
  }

  get manager() {
    return this.socket.io;
  }

  /** The transport in use now, as the engine names it. */
  get transportName() {
    return this.manager.engine?.transport?.name;
  }

  get id() {
    return this.socket.id;
  }

  get isConnected() {
    return this.socket.connected;
  }

  #record() {
    const { socket, manager } = CONNECTION_EVENTS[isOld(this.generation) ? 'old' : 'new'];
    for (const name of socket) this.#on(this.socket, name, name);
    for (const name of manager) this.#on(this.manager, name, `manager ${name}`);
    this.listen(...SERVER_EVENTS);
    // Both names of the one method all packets of a Manager pass through.
    const method = this.manager._packet ? '_packet' : 'packet';
    const send = this.manager[method];
    this.manager[method] = (packet) => {
      if (packet.type === 0 && packet.nsp === this.namespace) this.connectsSent += 1;
      return send.call(this.manager, packet);
    };
  }

  #on(emitter, event, name, isConnection = true) {
    emitter.on(event, (...args) => {
      const ack = typeof args.at(-1) === 'function' ? args.pop() : undefined;
      this.heard.push({ name, args, isConnection, ack });
    });
  }

  /** Records these events of the server too. */
  listen(...names) {
    for (const name of names) this.#on(this.socket, name, name, false);
    return this;
  }

  named(name) {
    return this.heard.filter((event) => event.name === name);
  }

  count(name) {
    return this.named(name).length;
  }

  /** The first event of that name for which `fits` holds, heard or to come. */
  async event(name, fits = () => true, deadline) {
    const what = () => `"${name}" at ${this}, which heard ${this.story()}`;
    return until(what, () => this.named(name).find((event) => fits(...event.args)), deadline);
  }

  /** Connected, and past the upgrade if there is one: a cut in the midst of that may go unseen. */
  async connected() {
    const last = TRANSPORTS[this.transport].at(-1);
    await until(() => `${this} to connect and use ${last}, not ${this.transportName}: ${this.story()}`,
      () => this.isConnected && this.transportName === last);
    return this;
  }

  /** Connected by whichever transport: an upgrade whose node goes meanwhile leaves its client polling. */
  async seated() {
    await until(() => `${this} to connect: ${this.story()}`, () => this.isConnected);
    return this;
  }

  /** Emits with an ack and resolves with the ack's arguments. */
  ask(event, ...args) {
    const answer = new Promise((resolve) => {
      this.socket.emit(event, ...args, (...answers) => resolve(answers));
    });
    return within(`an ack of "${event}" at ${this}`, answer);
  }

  /** The notices of one task so far, in order: `{ event, data, meta }`. */
  notices(identity) {
    return this.heard
      .filter(({ name, args }) => name.includes('.') && args[0]?.identity === identity)
      .map(({ name, args: [data, meta] }) => ({ event: name, data, meta }));
  }

  /** The first notice of the task for which `fits` holds, heard or to come. */
  async notice(identity, event, fits = () => true, deadline) {
    const what = () => `${event} of ${identity} at ${this}, which heard ${this.story()}`;
    return until(what, () => this.notices(identity).find((notice) =>
      notice.event === event && fits(notice)), deadline);
  }

  story() {
    const tail = this.heard.slice(-20).map(({ name, args }) => `${name} ${brief(args)}`);
    return `[${tail.join(', ')}]`;
  }

  toString() {
    return `${this.generation} by ${this.transport} on ${this.namespace}`;
  }

  close() {
    this.manager.reconnection(false);
    this.socket.close();
    this.manager.engine?.close();
  }
}

/** Generations before 2 have no options on `socket`; a name with the query is what pages write there. */
function socketBeside(beside, pathAndQuery, { query, auth }) {
  const { manager, generation } = beside;
  const path = pathAndQuery.split('?')[0];
  if (generation === '1.4') return manager.socket(path);
  return manager.socket(path, { ...(query && { query }), ...(auth && { auth }) });
}

function brief(args) {
  const text = args.map((arg) => (arg instanceof Error ? `Error(${arg.message})` : JSON.stringify(arg)));
  return text.join(' ').slice(0, 160);
}
