// Socket.IO by hand over `ws` and `fetch`: for what is on the wire to the byte, and for clients that
// behave as no library would.

import { WebSocket } from 'ws';
import { secret } from './record.mjs';
import { until } from './until.mjs';

export class RawSocket {
  /** Every text frame since opening, as received. */
  frames = [];
  #isClosed = false;

  constructor(url, options = {}) {
    this.socket = new WebSocket(url, options);
    this.socket.on('message', (data, isBinary) => !isBinary && this.#take(data.toString()));
    this.socket.on('close', (code) => {
      this.#isClosed = true;
      this.code = code;
    });
    this.socket.on('error', (error) => {
      this.error = error;
    });
  }

  /** An Engine.IO session over WebSocket, past its open packet and nothing more. */
  static async open(url, { eio = 4, query = '' } = {}) {
    const address = `${url.replace('http', 'ws')}/socket.io/?EIO=${eio}&transport=websocket${query && `&${query}`}`;
    const raw = new RawSocket(address);
    await raw.frame((text) => text.startsWith('0{'));
    return raw;
  }

  /** The same, and a member of `namespace` as that user: by query on EIO 3, by auth on EIO 4. */
  static async enter(url, { eio = 4, namespace = '/', user } = {}) {
    const raw = await RawSocket.open(url, { eio });
    const named = namespace === '/' ? '' : `${namespace},`;
    if (eio === 4) raw.send(`40${named}${user ? JSON.stringify({ user }) : ''}`);
    else if (named) raw.send(`40${namespace}${user ? `?user=${user}` : ''},`);
    await raw.frame((text) => text.startsWith(`40${named}`));
    return raw;
  }

  #take(text) {
    if (text === '2') this.socket.send('3');
    else this.frames.push(text);
    if (text.startsWith('0{')) secret(JSON.parse(text.slice(1)).sid);
  }

  send(frame) {
    this.socket.send(frame);
  }

  get isClosed() {
    return this.#isClosed;
  }

  frame(fits, deadline) {
    const what = () => `a frame, of ${JSON.stringify(this.frames.slice(-5)).slice(0, 500)}`;
    return until(what, () => this.frames.find(fits), deadline);
  }

  closed(deadline = 10_000) {
    return until('the server to close the transport', () => this.#isClosed, deadline);
  }

  close() {
    this.socket.terminate();
  }
}

/** An Engine.IO polling session by hand. */
export class RawPolling {
  /** Every body since opening, as received. */
  bodies = [];
  isClosed = false;

  static async enter(url, { eio = 4, namespace = '/', user, query = '' } = {}) {
    const raw = Object.assign(new RawPolling(), { eio });
    raw.address = `${url}/socket.io/?EIO=${eio}&transport=polling${query}`;
    const opening = Buffer.from(await (await fetch(raw.address)).arrayBuffer()).toString();
    raw.sid = JSON.parse(opening.slice(opening.indexOf('{'), opening.lastIndexOf('}') + 1)).sid;
    secret(raw.sid);
    raw.address += `&sid=${raw.sid}`;
    const named = namespace === '/' ? '' : `${namespace},`;
    if (eio === 4) await raw.post(`40${named}${user ? JSON.stringify({ user }) : ''}`);
    else if (named) {
      const packet = `40${namespace}${user ? `?user=${user}` : ''},`;
      await raw.post(`${packet.length}:${packet}`);
    }
    while (!raw.bodies.some((bytes) => bytes.includes(`40${named}`))) await raw.poll();
    return raw;
  }

  async post(body) {
    const answer = await fetch(this.address, {
      method: 'POST', body, headers: { 'content-type': 'text/plain;charset=UTF-8' },
    });
    return { status: answer.status, text: await answer.text() };
  }

  async poll() {
    const answer = await fetch(this.address);
    const bytes = Buffer.from(await answer.arrayBuffer());
    if (answer.status === 200) this.bodies.push(bytes);
    return { status: answer.status, bytes, type: answer.headers.get('content-type') };
  }

  /** Polls for good, one at a time, answering pings, until the session or this client ends. */
  async listen() {
    while (!this.isClosed) {
      const { status, bytes } = await this.poll();
      if (status !== 200) return;
      if (bytes.toString() === '2') await this.post('3');
    }
  }

  body(fits, deadline) {
    const what = () => `a polling body, of ${Buffer.concat(this.bodies.slice(-3)).subarray(0, 500)}`;
    return until(what, () => this.bodies.find(fits), deadline);
  }

  close() {
    this.isClosed = true;
    this.post(this.eio === 4 ? '1' : '1:1').catch(() => {});
  }
}
