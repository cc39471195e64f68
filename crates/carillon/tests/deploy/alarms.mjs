// What a Prometheus said was wrong, looked at as long as it is watched.

import { until } from '../clients/until.mjs';
import { Ceaseless } from './ceaseless.mjs';

const LOOK_MS = 1_000;

export class Alarms extends Ceaseless {
  #prometheus;
  #looks = 0;
  #ringing = [];
  #pending = [];
  /** Names of all that rang since `forget`. */
  rang = new Set();
  /** Names of all whose condition held, however short. */
  neared = new Set();

  constructor(prometheus) {
    super();
    this.#prometheus = prometheus;
  }

  forget() {
    this.rang.clear();
    this.neared.clear();
  }

  /** Until `fits` holds of the names of what rings and what is on its way to; in a look that began after this was asked. */
  until(what, fits, deadline) {
    const since = this.#looks + 1;
    return until(() => `${what}: ${this}`, () => this.#looks > since && fits(this.#ringing, this.#pending), deadline);
  }

  /** Looks on for so long. */
  watched(milliseconds) {
    const end = performance.now() + milliseconds;
    return until('time to pass', () => performance.now() > end, 2 * milliseconds);
  }

  toString() {
    return `now ringing ${this.#ringing}, pending ${this.#pending}; rang ${[...this.rang]}, neared ${[...this.neared]}`;
  }

  async round() {
    const alerts = await this.#prometheus.alerts();
    const named = (wanted) => alerts.filter(({ state }) => state === wanted).map(({ labels }) => labels.alertname);
    [this.#ringing, this.#pending] = [named('firing'), named('pending')];
    this.#ringing.forEach((name) => this.rang.add(name));
    alerts.forEach(({ labels }) => this.neared.add(labels.alertname));
    this.#looks += 1;
    await new Promise((wake) => setTimeout(wake, LOOK_MS));
  }
}
