// A connection by hand, plain or by TLS, for clients that do by halves what they should do at once, and read
// nothing of what they are told.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { RawSocket } from './raw.mjs';
import { until } from './until.mjs';

/** How a port may speak, and the settings that make it so. `done` is to be called at the end. */
export function ways() {
  const files = mkdtempSync(join(tmpdir(), 'carillon-dial-'));
  const [cert, key] = [join(files, 'cert.pem'), join(files, 'key.pem')];
  execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256',
    '-nodes', '-days', '365', '-subj', '/CN=limits', '-addext', 'subjectAltName=IP:127.0.0.1',
    '-keyout', key, '-out', cert], { stdio: 'ignore' });
  const tls = { CARILLON_PUBLIC__TLS__CERT: cert, CARILLON_PUBLIC__TLS__KEY: key };
  return {
    ways: [{ way: 'plain', isTls: false, settings: {} }, { way: 'TLS', isTls: true, settings: tls }],
    done: () => rmSync(files, { recursive: true }),
  };
}

export class Dialed {
  /** All that has come, as text. */
  text = '';
  isClosed = false;

  /** Connected, and agreed where it speaks TLS. */
  static async dial(carillon, { isTls = false } = {}) {
    const dialed = new Dialed();
    const to = { port: carillon.publicPort, host: '127.0.0.1' };
    dialed.socket = isTls ? connectTls({ ...to, rejectUnauthorized: false }) : connect(to);
    let isOpen = false;
    dialed.socket.on(isTls ? 'secureConnect' : 'connect', () => { isOpen = true; });
    dialed.socket.on('data', (bytes) => { dialed.text += bytes.toString('latin1'); });
    dialed.socket.on('error', (error) => { dialed.error = error; });
    dialed.socket.on('close', () => { dialed.isClosed = true; });
    await until('the connection', () => isOpen || dialed.isClosed);
    return dialed;
  }

  /** Sends a request, and goes on. */
  ask(method, path, { headers = {}, body = '' } = {}) {
    const all = { host: 'node', ...(body && { 'content-length': Buffer.byteLength(body) }), ...headers };
    const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
    this.socket.write(`${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n${body}`);
  }

  /** The next whole answer: `{ status, head, body }`. */
  async answer(deadline) {
    let answer = null;
    await until(() => `an answer, of ${JSON.stringify(this.text.slice(0, 300))}`, () => {
      const end = this.text.indexOf('\r\n\r\n') + 4;
      if (end < 4) return false;
      const head = this.text.slice(0, end);
      const length = Number(/^content-length: (\d+)/im.exec(head)?.[1] ?? 0);
      if (this.text.length < end + length) return false;
      answer = { status: Number(head.slice(9, 12)), head, body: this.text.slice(end, end + length) };
      this.text = this.text.slice(end + length);
      return true;
    }, deadline);
    return answer;
  }

  async asked(method, path, options) {
    this.ask(method, path, options);
    return this.answer();
  }

  /** Says `text` letter by letter, for as long as the connection is there. */
  drip(text) {
    let at = 0;
    const dripping = setInterval(() => this.socket.write(text[at++ % text.length]), 50);
    this.socket.on('close', () => clearInterval(dripping));
  }

  closed(deadline = 10_000) {
    return until('the server to close the connection', () => this.isClosed, deadline);
  }

  close() {
    this.socket.destroy();
  }
}

/** One answer on a connection of its own. */
export async function askOnce(carillon, path, { method = 'GET', isTls = false, ...options } = {}) {
  const dialed = await Dialed.dial(carillon, { isTls });
  dialed.ask(method, path, options);
  try {
    return await dialed.answer();
  } finally {
    dialed.close();
  }
}

const POLLING = '/socket.io/?EIO=4&transport=polling';

/** A session that polls, seated as `user`, and what it takes to go on by hand. */
export async function enterPolling(carillon, { isTls = false, user, namespace = '/notice' }) {
  const opened = await askOnce(carillon, POLLING, { isTls });
  const { sid } = JSON.parse(opened.body.slice(1));
  const path = `${POLLING}&sid=${sid}`;
  const post = (body) => askOnce(carillon, path, { method: 'POST', isTls, body });
  await post(`40${namespace},${JSON.stringify({ user })}`);
  let heard = '';
  while (!heard.includes(`40${namespace}`)) heard = (await askOnce(carillon, path, { isTls })).body;
  return { sid, path, post, poll: () => askOnce(carillon, path, { isTls }) };
}

/** A WebSocket, seated as `user`. */
export async function enterSocket(carillon, { isTls = false, user, namespace = '/notice' }) {
  const scheme = isTls ? 'wss' : 'ws';
  const address = `${scheme}://127.0.0.1:${carillon.publicPort}/socket.io/?EIO=4&transport=websocket`;
  const raw = new RawSocket(address, { rejectUnauthorized: false });
  await raw.frame((text) => text.startsWith('0{'));
  raw.send(`40${namespace},${JSON.stringify({ user })}`);
  await raw.frame((text) => text.startsWith(`40${namespace},`));
  return raw;
}
