// One run: node run.mjs [--seed N] [--seconds N] [--clients N] [--out FOLDER] [--keep] [--peer]. 0 where all is well, 1 where not.
// With --peer the nodes are stock Socket.IO, whose clients have its recovery: the same faults, and what it loses is told.

import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { PAIRS } from '../clients/generations.mjs';
import { until } from '../clients/until.mjs';
import { Chance } from './chance.mjs';
import { Clock } from './clock.mjs';
import { ACTIONS } from './faults.mjs';
import { KINDS } from './kinds.mjs';
import { Model } from './model.mjs';
import { report, story, table } from './report.mjs';
import { schedule } from './schedule.mjs';
import { Stage } from './stage.mjs';
import { Swarms } from './swarms.mjs';
import { Workers } from './workers.mjs';

const WORKERS = 24;
/** Once nothing happens any more, so long for everybody to have everything. */
const SETTLE_MS = 40_000;
/** However it goes, it is over so long after the schedule. */
const OVER_MS = 180_000;

/** Those that know of recovery. */
const RECOVERABLE = PAIRS.filter(({ generation }) => generation === '4.8');

const { values } = parseArgs({ options: {
  seed: { type: 'string', default: String(Date.now() % 100_000) },
  seconds: { type: 'string', default: '60' },
  clients: { type: 'string', default: '600' },
  out: { type: 'string', default: '../../../../target/chaos' },
  keep: { type: 'boolean', default: false },
  peer: { type: 'boolean', default: false },
} });
const [seed, seconds, clients] = [values.seed, values.seconds, values.clients].map(Number);
const folder = join(values.out, `seed-${seed}-${Date.now()}`);

const say = (text) => process.stdout.write(`${text}\n`);

class Run {
  model = new Model();
  stage = new Stage(folder, { isPeer: values.peer, isNative: seed % 2 === 0 });
  steps = schedule({ seed, seconds });
  began = 0;
  /** What happens to one node, or to Redis, waits for what happened to it before; that may last longer than was planned. */
  #last = new Map();

  async go() {
    Clock.build(folder);
    await this.stage.start();
    const swarms = new Swarms({ count: clients, url: this.stage.edge.url, model: this.model, ...(values.peer && { pairs: RECOVERABLE, isSticky: true }) });
    this.stage.swarms = swarms;
    await swarms.open();
    await until(() => `${this.model.away().length} pages to connect`, () => this.model.away().length === 0, 30_000);
    const workers = new Workers({ stage: this.stage, model: this.model, users: swarms.users, count: WORKERS, chance: new Chance(seed), ...(values.peer && { roads: ['http'] }) });
    this.began = Date.now();
    this.stage.watchPrimary((at) => this.model.failedOver(at));
    workers.start();
    await Promise.all([...this.steps.map((step) => this.#inTurn(step)), pause(seconds * 1_000)]);
    const healed = Date.now();
    await workers.finish(SETTLE_MS);
    await until('all to have all', () => this.model.away().length === 0 && this.model.missing().length === 0, SETTLE_MS).catch(() => {});
    return { settled: Date.now() - healed };
  }

  async #inTurn(step) {
    await pause(step.at);
    const place = step.node ?? KINDS[step.kind].on;
    const before = this.#last.get(place);
    const playing = (async () => {
      await before;
      await this.#play(step);
    })();
    this.#last.set(place, playing);
    await playing;
  }

  /** A step that could not be done is no fault of the product; the report marks it. */
  async #play(step) {
    step.began = Date.now();
    try {
      const end = await ACTIONS[step.kind](this.stage, step);
      step.done = Date.now();
      await pause(Math.max(0, step.done + step.lasts - Date.now()));
      await end();
    } catch (error) {
      step.trouble = String(error.message ?? error);
    }
    step.ended = Date.now();
  }

  async stop() {
    await this.stage.swarms?.stop();
    await this.stage.stop();
  }

  tell(more) {
    const { model, steps, began } = this;
    const told = report({ model, steps, seed, seconds, clients, began, lostProcesses: this.stage.lost, ...more });
    writeFileSync(join(folder, 'report.json'), JSON.stringify(told, null, 1));
    say(table(told));
    for (const { kind, trouble } of steps.filter((step) => step.trouble)) say(`! ${kind}: ${trouble}`);
    for (const { at, name, code } of this.stage.lost) say(`${name} ended by itself with ${code} at ${((at - began) / 1_000).toFixed(1)} s`);
    say(`${told.pages} pages, ${told.away} of them away at the end; ${told.orderFaults} faults of order; ${told.takenBack} unsaid by a failover;`
      + ` ${told.gaps} gaps told; ${told.recovered} of ${told.returns} returns recovered;`
      + ` all had all ${(told.settled / 1_000).toFixed(1)} s after the last fault`);
    if (!told.isWell) {
      const said = story({ model, steps, began });
      writeFileSync(join(folder, 'story.txt'), said);
      say(said);
    }
    return told.isWell || values.peer;
  }
}

mkdirSync(folder, { recursive: true });
say(`seed ${seed}: ${seconds} s, ${clients} pages; logs and report in ${folder}`);
const run = new Run();
const leave = async (code) => {
  await run.stop();
  if (code === 0 && !values.keep) rmSync(folder, { recursive: true });
  process.exit(code);
};
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => leave(2));
setTimeout(() => {
  say('the run hangs');
  leave(2);
}, seconds * 1_000 + OVER_MS).unref();
try {
  const isWell = run.tell(await run.go());
  if (values.peer) say('the peer: what is lost above is what its recovery does not bring');
  else say(isWell ? `seed ${seed}: nothing lost` : `seed ${seed}: NOT WELL; again: cargo xtask chaos --seed ${seed} --seconds ${seconds} --clients ${clients}`);
  await leave(isWell ? 0 : 1);
} catch (error) {
  say(`seed ${seed}: could not be run: ${error.stack}`);
  await leave(2);
}
