// What stands in front of several nodes, without any stickiness: each request, and each WebSocket, goes to
// the next node that says it is ready. What a client was answered is counted.

import { once } from 'node:events';
import { Agent, createServer, request } from 'node:http';

const LOOK_EVERY_MS = 50;

/** In front of these nodes; `ends` is given its closing, to be called when the test is over. */
export async function balancer(nodes, ends) {
  const opened = new Balancer(nodes);
  ends(() => opened.close());
  await opened.open();
  return opened;
}

export class Balancer {
  #server = createServer((near, answer) => this.#pass(near, answer));
  #nodes;
  #ready = [];
  #turn = 0;
  #look;
  #sockets = new Set();
  // As a balancer in production keeps connections to its nodes.
  #agent = new Agent({ keepAlive: true, maxSockets: 2_000 });
  /** By status, how many requests were answered. */
  answered = new Map();
  /** Method, path and status of those that a page would call failed. */
  failed = [];
  /** How many requests and upgrades there were. */
  passed = 0;
  upgraded = 0;

  constructor(nodes) {
    this.#nodes = nodes;
    this.#server.on('upgrade', (near, socket, head) => this.#tunnel(near, socket, head));
  }

  get url() {
    return `http://127.0.0.1:${this.#server.address().port}`;
  }

  async open() {
    await this.#lookAtAll();
    this.#look = setInterval(() => this.#lookAtAll(), LOOK_EVERY_MS);
    this.#server.keepAliveTimeout = 60_000;
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
  }

  async close() {
    clearInterval(this.#look);
    this.#server.closeAllConnections();
    for (const socket of this.#sockets) socket.destroy();
    this.#agent.destroy();
    await new Promise((done) => this.#server.close(done));
  }

  /** From now on requests go to these of the nodes, as soon as they are ready. */
  serve(nodes) {
    this.#nodes = nodes;
    this.#ready = this.#ready.filter((node) => nodes.includes(node));
  }

  async #lookAtAll() {
    const isReady = async (node) => (await fetch(`${node.internal}/readyz`).catch(() => null))?.status === 200;
    const nodes = this.#nodes;
    const ready = await Promise.all(nodes.map(isReady));
    if (nodes === this.#nodes) this.#ready = nodes.filter((_, at) => ready[at]);
  }

  #next() {
    this.#turn += 1;
    return this.#ready[this.#turn % this.#ready.length];
  }

  #fail(near, status) {
    this.failed.push(`${near.method} ${near.url.replace(/sid=[^&]*/, 'sid=…')} ${status}`);
  }

  #pass(near, answer) {
    const node = this.#next();
    this.passed += 1;
    if (!node) return void answer.writeHead(503).end();
    const { method, url, headers } = near;
    const far = request({ port: node.publicPort, host: '127.0.0.1', method, path: url, headers, agent: this.#agent });
    far.on('response', (response) => {
      this.answered.set(response.statusCode, (this.answered.get(response.statusCode) ?? 0) + 1);
      if (response.statusCode >= 400) this.#fail(near, response.statusCode);
      answer.writeHead(response.statusCode, response.headers);
      response.pipe(answer);
    });
    far.on('error', (error) => {
      if (!answer.destroyed) this.#fail(near, error.code);
      answer.destroy();
    });
    answer.on('close', () => answer.writableFinished || far.destroy());
    near.pipe(far);
  }

  #tunnel(near, socket, head) {
    const node = this.#next();
    if (!node) return void socket.destroy();
    const { method, url, headers } = near;
    const far = request({ port: node.publicPort, host: '127.0.0.1', method, path: url, headers, agent: false });
    far.on('upgrade', (response, wire, rest) => {
      this.upgraded += 1;
      const lines = response.rawHeaders.map((word, at) => (at % 2 ? `: ${word}\r\n` : word)).join('');
      socket.write(`HTTP/1.1 101 Switching Protocols\r\n${lines}\r\n`);
      socket.write(rest);
      wire.write(head);
      this.#join(socket, wire);
    });
    far.on('response', (response) => {
      this.#fail(near, response.statusCode);
      socket.end(`HTTP/1.1 ${response.statusCode} Refused\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
    });
    far.on('error', (error) => {
      this.#fail(near, error.code);
      socket.destroy();
    });
    far.end();
  }

  #join(one, other) {
    for (const [from, to] of [[one, other], [other, one]]) {
      this.#sockets.add(from);
      from.setNoDelay(true);
      from.pipe(to);
      from.on('error', () => from.destroy());
      from.on('close', () => {
        this.#sockets.delete(from);
        to.destroy();
      });
    }
  }
}
