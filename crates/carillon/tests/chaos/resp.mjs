// One connection to a Redis, and no more: no retry, no reconnecting. A library does these by itself, and then nobody knows
// what was acknowledged.

import { once } from 'node:events';
import { connect } from 'node:net';

export class Connection {
  #socket;
  #text = '';
  #waiting = [];

  static async open(port, patience = 1_000) {
    const connection = new Connection();
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    connection.#socket = socket;
    socket.setEncoding('utf8');
    socket.on('data', (text) => connection.#read(text));
    socket.on('error', () => {});
    socket.on('close', () => connection.#fail(new Error('the connection was closed')));
    const late = AbortSignal.timeout(patience);
    await once(socket, 'connect', { signal: late }).catch((error) => {
      socket.destroy();
      throw error;
    });
    return connection;
  }

  get isOpen() {
    return !this.#socket.destroyed;
  }

  /** The answer, or an error: Redis's own, or that none came in time, which ends the connection. */
  ask(words, patience = 2_500) {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.close(), patience);
      this.#waiting.push({ resolve, reject, timer });
      const text = words.map((word) => `$${Buffer.byteLength(String(word))}\r\n${word}\r\n`).join('');
      if (this.isOpen) this.#socket.write(`*${words.length}\r\n${text}`);
      else this.#fail(new Error('the connection was closed'));
    });
  }

  close() {
    this.#socket.destroy();
  }

  #read(text) {
    this.#text += text;
    for (let answer = parsed(this.#text, 0); answer; answer = parsed(this.#text, 0)) {
      this.#text = this.#text.slice(answer.end);
      const { resolve, reject, timer } = this.#waiting.shift();
      clearTimeout(timer);
      if (answer.value instanceof Error) reject(answer.value);
      else resolve(answer.value);
    }
  }

  #fail(error) {
    for (const { reject, timer } of this.#waiting.splice(0)) {
      clearTimeout(timer);
      reject(error);
    }
  }
}

/** The value that begins at `at` and where it ends, or nothing while it is not all there. Its text is ASCII here. */
function parsed(text, at) {
  const line = text.indexOf('\r\n', at);
  if (line < 0) return null;
  const [mark, rest, end] = [text[at], text.slice(at + 1, line), line + 2];
  if (mark === '+') return { value: rest, end };
  if (mark === '-') return { value: new Error(rest), end };
  if (mark === ':') return { value: Number(rest), end };
  const length = Number(rest);
  if (length < 0) return { value: null, end };
  if (mark === '$') {
    return text.length < end + length + 2 ? null : { value: text.slice(end, end + length), end: end + length + 2 };
  }
  const value = [];
  let next = end;
  for (let index = 0; index < length; index += 1) {
    const item = parsed(text, next);
    if (!item) return null;
    value.push(item.value);
    next = item.end;
  }
  return { value, end: next };
}
