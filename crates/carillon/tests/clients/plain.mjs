// Clients without Socket.IO: `/ws`, a plain WebSocket, and `/events`, server-sent events by `fetch`.

import { WebSocket } from 'ws';
import { until, within } from './until.mjs';

/** What both share: the list of `{ event, args, id, raw }`, and waiting for one of them. */
class Plain {
  heard = [];

  event(name, fits = () => true, deadline) {
    const what = () => `"${name}", of ${JSON.stringify(this.heard.slice(-5)).slice(0, 800)}`;
    return until(what, () => this.heard.find((message) => message.event === name && fits(message)), deadline);
  }

  ofTask(identity) {
    return this.heard.filter(({ args }) => args?.[0]?.identity === identity);
  }

  notice(identity, event) {
    return this.event(event, ({ args }) => args[0]?.identity === identity);
  }
}

export class PlainSocket extends Plain {
  answers = new Map();

  static async open(url, query, headers = {}) {
    const plain = new PlainSocket();
    plain.socket = new WebSocket(`${url.replace('http', 'ws')}/ws?${query}`, { headers });
    plain.socket.on('message', (data) => plain.#take(data.toString()));
    plain.socket.on('error', () => {});
    const opened = new Promise((resolve, reject) => {
      plain.socket.on('open', resolve);
      plain.socket.on('unexpected-response', (_, answer) => reject(new Refused(answer.statusCode)));
      plain.socket.on('error', reject);
    });
    await within('/ws to open', opened);
    return plain;
  }

  #take(raw) {
    const message = JSON.parse(raw);
    if (message.event === undefined) this.answers.set(message.ack, message);
    else this.heard.push({ ...message, raw });
  }

  async ask(event, args, ack) {
    this.socket.send(JSON.stringify({ event, args, ack }));
    return until(`an ack of ${event}`, () => this.answers.get(ack));
  }

  close() {
    this.socket.terminate();
  }
}

export class EventStream extends Plain {
  #abort = new AbortController();

  static async open(url, query, headers = {}) {
    const stream = new EventStream();
    const answer = await fetch(`${url}/events?${query}`, { headers, signal: stream.#abort.signal });
    if (answer.status !== 200) throw new Refused(answer.status, await answer.text());
    stream.type = answer.headers.get('content-type');
    stream.reading = stream.#read(answer.body).catch(() => {});
    return stream;
  }

  async #read(body) {
    let text = '';
    const decoder = new TextDecoder();
    for await (const chunk of body) {
      text += decoder.decode(chunk, { stream: true });
      const blocks = text.split(/\r?\n\r?\n/);
      text = blocks.pop();
      for (const block of blocks) this.#take(block);
    }
  }

  #take(block) {
    const fields = { data: [] };
    for (const line of block.split(/\r?\n/)) {
      const [, name, value] = /^([^:]*):? ?(.*)$/s.exec(line);
      if (name === 'data') fields.data.push(value);
      else if (name) fields[name] = value;
    }
    if (fields.data.length === 0) return;
    const raw = fields.data.join('\n');
    this.heard.push({ ...JSON.parse(raw), lastEventId: fields.id, type: fields.event, raw });
  }

  close() {
    this.#abort.abort();
  }
}

export class Refused extends Error {
  constructor(status, body = '') {
    super(`refused with ${status}: ${body}`);
    this.status = status;
    this.body = body;
  }
}
