// Workers that go from task to task, each by one road, and hand a thing in until it is accepted: 202 by HTTP; by stream and
// list, acknowledged by Redis and in its replica. What is published on the channel is tried once, and never accepted.

import { setTimeout as pause } from 'node:timers/promises';
import { complete, cancelled, failed, progress } from '../clients/messages.mjs';
import { Connection } from './resp.mjs';

const ROADS = ['stream', 'http', 'list', 'stream', 'http', 'list', 'stream', 'channel'];
const ENDS = [complete, complete, complete, failed, cancelled];
const STEPS_MAX = 4;
const [SHORTEST_MS, LONGEST_MS] = [30, 250];
const AGAIN_MS = 100;
/** How long Redis waits for its replica, in ms. */
const REPLICA_MS = 1_000;

export class Workers {
  #workers;
  #isOver = false;
  #working;
  isClosed = false;

  constructor({ stage, model, users, count, chance, roads = ROADS }) {
    this.model = model;
    this.stage = stage;
    this.#workers = Array.from({ length: count }, (_, index) => new Worker(this, index, roads[index % roads.length], users, chance));
  }

  start() {
    this.#working = Promise.all(this.#workers.map(async (worker) => {
      while (!this.#isOver) await worker.work();
      worker.close();
    }));
  }

  /** Each ends the task that it is at. */
  async finish(patience) {
    this.#isOver = true;
    // What is not accepted by then never will be, and the run says so.
    const timer = setTimeout(() => { this.isClosed = true; }, patience);
    await this.#working;
    clearTimeout(timer);
  }
}

class Worker {
  #workers;
  #name;
  #road;
  #users;
  #chance;
  #tasks = 0;
  #connection = null;
  #node;

  constructor(workers, index, road, users, chance) {
    this.#workers = workers;
    this.#name = `w${index}`;
    this.#node = index;
    this.#road = road;
    this.#users = users;
    this.#chance = chance;
  }

  /** One task, from its first step to its end. */
  async work() {
    const { model } = this.#workers;
    const identity = `${this.#name}-${this.#tasks += 1}`;
    const user = this.#chance.one(this.#users);
    // By HTTP and list the store's time orders, so that one who was frozen may come late; a version tells.
    const isVersioned = this.#road !== 'stream' || this.#tasks % 2 === 0;
    model.begun({ identity, user, road: this.#road, isVersioned });
    const steps = this.#chance.between(1, STEPS_MAX);
    const version = (number) => (isVersioned ? { version: number } : {});
    for (let step = 1; step <= steps; step += 1) {
      await this.#handIn(identity, progress(user, identity, step * 10, { step, ...version(step) }));
      await pause(this.#chance.between(SHORTEST_MS, LONGEST_MS));
    }
    const end = this.#chance.one(ENDS);
    model.sent(identity, Date.now());
    const isAccepted = await this.#handIn(identity, end(user, identity, version(steps + 1)));
    if (isAccepted) model.accepted(identity, Date.now());
  }

  /** Whether it was accepted; tried until it is, or for good. */
  async #handIn(identity, message) {
    const { model } = this.#workers;
    const text = JSON.stringify(message);
    for (let tries = 1; !this.#workers.isClosed; tries += 1) {
      if (tries > 1) model.retried(identity);
      const isIn = await this.#tryOnce(text).catch(() => false);
      if (isIn || this.#road === 'channel') return isIn && this.#road !== 'channel';
      await pause(AGAIN_MS);
    }
    return false;
  }

  #tryOnce(text) {
    switch (this.#road) {
      case 'http': return this.#post(text);
      case 'stream': return this.#write(['XADD', 'carillon:tasks', '*', 'json', text]);
      case 'list': return this.#write(['LPUSH', 'carillon:tasks:list', text]);
      default: return this.#say(['PUBLISH', 'carillon:tasks', text]);
    }
  }

  async #post(text) {
    this.#node += 1;
    const node = this.#workers.stage.nodes[this.#node % this.#workers.stage.nodes.length];
    const answer = await node.asked('/v1/tasks', { method: 'POST', body: text, headers: { 'content-type': 'application/json' } });
    const told = await answer.text();
    return answer.status === 202 && JSON.parse(told).accepted === 1;
  }

  async #write(words) {
    await this.#say(words);
    return await this.#connection.ask(['WAIT', 1, REPLICA_MS]) >= 1;
  }

  /** Whatever goes wrong, the next goes to where the primary is then. */
  async #say(words) {
    try {
      if (!this.#connection?.isOpen) this.#connection = await Connection.open(await this.#workers.stage.fleet.primaryPort());
      return await this.#connection.ask(words);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  close() {
    this.#connection?.close();
  }
}
