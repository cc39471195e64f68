// One carillon process under test: started on free ports, asked over its internal API, stopped by
// SIGTERM. The binary is the one CARILLON_BIN names; nothing else of the project is known here.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { after, afterEach, before } from 'node:test';
import { freePorts } from './ports.mjs';
import { said } from './record.mjs';
import { until, within } from './until.mjs';

const STARTS_MAX = 3;
const LOG_LINES_MAX = 400;

/** A node for the tests of one suite: started before the first, stopped after the last. */
export function node(options = {}) {
  const carillon = new Carillon(options);
  before(() => carillon.start());
  after(() => carillon.stop());
  afterEach((test) => test.passed === false && carillon.tell(test.name));
  return carillon;
}

export class Carillon {
  #options;
  #child = null;
  #log = [];
  publicPort = 0;
  internalPort = 0;

  /** With `ports`, the public and the internal one, it comes back where it was. */
  constructor({ command = 'serve', args = [], settings = {}, ports } = {}) {
    this.#options = { command, args, settings, ports };
  }

  get url() {
    return `http://127.0.0.1:${this.publicPort}`;
  }

  get internal() {
    return `http://127.0.0.1:${this.internalPort}`;
  }

  get log() {
    return this.#log.join('\n');
  }

  get pid() {
    return this.#child.pid;
  }

  /** Settings that are known only now; before `start`. */
  configure(settings) {
    this.#options.settings = { ...this.#options.settings, ...settings };
  }

  /** Tries again on other ports when a port was taken between being found free and being used. */
  async start() {
    for (let tries = 1; ; tries += 1) {
      try {
        return await this.#startOnce();
      } catch (error) {
        await this.stop();
        if (tries === STARTS_MAX) throw new Error(`${error.message}\n${this.log}`);
      }
    }
  }

  async #startOnce() {
    const binary = process.env.CARILLON_BIN;
    assert.ok(binary, 'CARILLON_BIN names no carillon binary');
    [this.publicPort, this.internalPort] = this.#options.ports ?? await freePorts(2);
    const { command, args, settings } = this.#options;
    this.#child = spawn(binary, [command, ...args], {
      env: {
        ...withoutSettings(process.env),
        CARILLON_PUBLIC__ADDR: `127.0.0.1:${this.publicPort}`,
        CARILLON_INTERNAL__ADDR: `127.0.0.1:${this.internalPort}`,
        CARILLON_DRAIN__DELAY: '0s',
        ...settings,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child.on('error', (error) => this.#note(`spawn: ${error.message}`));
    this.#child.stdout.setEncoding('utf8').on('data', (lines) => this.#note(lines));
    this.#child.stderr.setEncoding('utf8').on('data', (lines) => this.#note(lines));
    await until('GET /readyz to answer 200', () => this.#isReady(), 15_000);
  }

  async #isReady() {
    if (this.#isGone()) throw new Error(`carillon left with ${this.#child.exitCode} at start`);
    const answer = await fetch(`${this.internal}/readyz`).catch(() => null);
    return answer?.status === 200;
  }

  #isGone() {
    return this.#child === null || this.#child.pid === undefined
      || this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  #note(lines) {
    said(lines.trimEnd());
    this.#log.push(...lines.split('\n').filter(Boolean));
    this.#log.splice(0, this.#log.length - LOG_LINES_MAX);
  }

  /** Says stop and leaves the waiting to `stop`. */
  terminate() {
    this.#child.kill('SIGTERM');
  }

  /** As the kernel does when memory is short: nothing is said to anybody. */
  async kill() {
    const exit = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await within('carillon to be gone', exit);
  }

  /** The exit code after SIGTERM; one that does not leave by itself is killed and is a failure. */
  async stop() {
    if (this.#isGone()) return this.#child?.exitCode;
    await this.#keepMetrics();
    const exit = once(this.#child, 'exit');
    this.terminate();
    try {
      const [code] = await within('carillon to exit after SIGTERM', exit, 40_000);
      return code;
    } catch (error) {
      this.#child.kill('SIGKILL');
      throw error;
    }
  }

  /** Metrics are looked through for secrets as the log is. */
  async #keepMetrics() {
    const signal = AbortSignal.timeout(2_000);
    const answer = await fetch(`${this.internal}/metrics`, { signal }).catch(() => null);
    if (answer) said(await answer.text());
  }

  /** The server's side of a failed test, for the reader of the report. */
  tell(name) {
    process.stderr.write(`--- carillon's log at the failure of "${name}":\n${this.log}\n---\n`);
  }

  async get(path) {
    const answer = await fetch(this.internal + path);
    assert.equal(answer.status, 200, `GET ${path}`);
    return answer.json();
  }

  async post(path, body, type = 'application/json') {
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    const answer = await fetch(this.internal + path, {
      method: 'POST', body: text, headers: { 'content-type': type },
    });
    const told = await answer.text();
    if (answer.status >= 400) said(told);
    return { status: answer.status, body: JSON.parse(told || 'null') };
  }

  /** POST /v1/tasks: a text goes as it is, anything else as JSON. Answers the report of a 202. */
  async handIn(messages, type) {
    const { status, body } = await this.post('/v1/tasks', messages, type);
    assert.equal(status, 202, `POST /v1/tasks: ${JSON.stringify(body)}`);
    assert.deepEqual(body.rejected, []);
    return body;
  }

  async emit(body) {
    const answer = await this.post('/v1/emit', body);
    assert.equal(answer.status, 200, `POST /v1/emit: ${JSON.stringify(answer.body)}`);
    return answer.body;
  }

  async sockets(query = '') {
    return (await this.get(`/v1/sockets${query}`)).sockets;
  }

  /** Every sample of /metrics, by its name with labels as printed. */
  async metrics() {
    const answer = await fetch(`${this.internal}/metrics`);
    assert.equal(answer.status, 200, 'GET /metrics');
    const lines = (await answer.text()).split('\n').filter((line) => line && line[0] !== '#');
    return new Map(lines.map((line) => {
      const cut = line.lastIndexOf(' ');
      return [line.slice(0, cut), Number(line.slice(cut + 1))];
    }));
  }

  /** The sum of the samples whose printed name begins with `start` and has all of `labels`. */
  async count(start, ...labels) {
    let sum = 0;
    for (const [name, value] of await this.metrics()) {
      if (name.startsWith(start) && labels.every((label) => name.includes(label))) sum += value;
    }
    return sum;
  }
}

function withoutSettings(env) {
  const ours = ([name]) => !name.startsWith('CARILLON_');
  return Object.fromEntries(Object.entries(env).filter(ours));
}
