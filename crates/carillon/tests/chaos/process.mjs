// One program that things happen to: killed, halted, ended, begun again. What it says goes to a file.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Clock } from './clock.mjs';

export class Process {
  #child = null;
  #program;
  #log;
  clock;
  /** Told of each end that nobody here asked for. */
  onLost = () => {};

  constructor(program, { name, folder }) {
    this.name = name;
    this.#program = program;
    this.#log = join(folder, `${name}.log`);
    this.clock = new Clock(folder, name);
  }

  get pid() {
    return this.#child?.pid;
  }

  get isRunning() {
    return this.#child !== null && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  spawn(args) {
    const log = openSync(this.#log, 'a');
    const child = spawn(this.#program, args.map(String), { env: { PATH: process.env.PATH, ...this.clock.env }, stdio: ['ignore', log, log] });
    closeSync(log);
    child.on('error', () => {});
    child.on('exit', (code, signal) => {
      if (!child.isAskedToGo) this.onLost(code ?? signal);
    });
    this.#child = child;
  }

  /** All that it has said. */
  get said() {
    return readFileSync(this.#log, 'utf8');
  }

  freeze() {
    this.#signal('SIGSTOP');
  }

  thaw() {
    this.#signal('SIGCONT');
  }

  terminate() {
    if (this.#child) this.#child.isAskedToGo = true;
    this.#signal('SIGTERM');
  }

  async kill() {
    if (this.#child) this.#child.isAskedToGo = true;
    this.#signal('SIGKILL');
    await this.gone();
  }

  async gone() {
    if (this.isRunning) await once(this.#child, 'exit');
  }

  #signal(signal) {
    if (this.isRunning) this.#child.kill(signal);
  }
}
