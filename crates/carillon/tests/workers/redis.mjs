// A redis-server of the test's own, with the user that docs/workers.md gives to workers.

import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { promisify } from 'node:util';
import { freePorts } from '../clients/ports.mjs';
import { until, within } from '../clients/until.mjs';
import { block } from './guide.mjs';

const [, NAME, SECRET] = /SETUSER (\S+) on '>(\S+)'/.exec(block('A Redis user for workers', 'sh'));

export class Redis {
  #child = null;
  #keeping;
  port = 0;

  /** With a folder it has what it had when it starts again. */
  constructor({ folder } = {}) {
    this.#keeping = folder ? ['--dir', folder, '--appendonly', 'yes', '--appendfsync', 'always'] : ['--appendonly', 'no'];
  }

  /** Chooses the address. Nobody answers there before `start`. */
  async reserve() {
    [this.port] = await freePorts(1);
  }

  /** As workers know it. */
  get url() {
    return `redis://${NAME}:${SECRET}@127.0.0.1:${this.port}`;
  }

  /** As a node knows it. */
  get ownUrl() {
    return `redis://127.0.0.1:${this.port}`;
  }

  async start() {
    if (!this.port) await this.reserve();
    const args = ['--port', this.port, '--bind', '127.0.0.1', '--save', '', ...this.#keeping];
    // The user is there from the first moment, or a worker would be refused instead of kept waiting.
    const user = await this.#user();
    this.#child = spawn('redis-server', [...args, ...user].map(String), { stdio: 'ignore' });
    this.#child.on('error', () => {});
    await until('redis-server to answer', () => this.ask('PING').catch(() => null));
  }

  /** The guide's command, read by a shell as a reader's would be, with another program's name. */
  async #user() {
    const line = block('A Redis user for workers', 'sh').replace('redis-cli ACL SETUSER', 'printf "%s\\n"');
    const { stdout } = await promisify(execFile)('sh', ['-c', line]);
    return ['--user', ...stdout.trim().split('\n')];
  }

  /** What Redis answers, as lines or as JSON (`--json`). */
  async ask(...args) {
    const { stdout } = await promisify(execFile)('redis-cli', ['-e', '-p', this.port, ...args].map(String));
    return stdout.trim();
  }

  /** The entries of the stream: the fields and values of each, in order. */
  async entries() {
    const entries = JSON.parse(await this.ask('--json', 'XRANGE', 'carillon:tasks', '-', '+'));
    return entries.map(([, fields]) => fields);
  }

  async stop() {
    if (this.#child === null || this.#child.exitCode !== null) return;
    const exit = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await within('redis-server to be gone', exit);
  }
}
