// Three nodes in use, and a real Prometheus that judges them by the shipped rules at their own pace: Redis is stopped, then a
// node, then a client stalls. Each time the alert that is meant for it rings and falls quiet again, and no other. Half an hour.

import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';
import { Carillon } from '../clients/carillon.mjs';
import { Page } from '../clients/generations.mjs';
import { complete, progress } from '../clients/messages.mjs';
import { freePorts } from '../clients/ports.mjs';
import { RawSocket } from '../clients/raw.mjs';
import { until } from '../clients/until.mjs';
import { Redis } from '../workers/redis.mjs';
import { Alarms } from './alarms.mjs';
import { Ceaseless } from './ceaseless.mjs';
import { Prometheus } from './prometheus.mjs';

const PROGRAM = join(dirname(process.env.PROMTOOL ?? ''), 'prometheus');
const skip = process.env.PROMTOOL && existsSync(PROGRAM) ? false : 'NOT TESTED, Prometheus is not here';
/** As compose asks and judges. */
const PACE = { scrape_interval: '5s', scrape_timeout: '4s', evaluation_interval: '5s' };
/** So many that one client more or less is no storm. */
const PAGES = 300;
const MINUTE = 60_000;
const PART = 'x'.repeat(200_000);

describe('what rings when something is wrong', { skip }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'carillon-alarms-'));
  const redis = new Redis({ folder });
  const prometheus = new Prometheus();
  const alarms = new Alarms(prometheus);
  const nodes = [];
  const pages = [];
  let work;

  before(async () => {
    await redis.start();
    const settings = { CARILLON_REDIS__URL: redis.ownUrl };
    for (let node = 0; node < 3; node += 1) nodes.push(new Carillon({ settings, ports: await freePorts(2) }));
    await Promise.all(nodes.map((node) => node.start()));
    for (let user = 0; user < PAGES; user += 1) {
      pages.push(new Page({ generation: '4.8', url: nodes[user % 3].url, namespace: '/notice', query: `user=${user}` }));
    }
    await Promise.all(pages.map((page) => page.connected()));
    await prometheus.start(PROGRAM, nodes.map(({ internal }) => new URL(internal).host), PACE);
    alarms.start();
    work = new Work(nodes, redis);
    work.start();
  });
  afterEach((test) => test.passed === false && nodes.forEach((node) => node.tell(test.name)));
  after(async () => {
    await work.stop();
    await alarms.stop();
    await prometheus.stop();
    pages.forEach((page) => page.close());
    await Promise.all(nodes.map((node) => node.stop()));
    await redis.stop();
    rmSync(folder, { recursive: true });
  });

  /** `harm` is done, `name` rings, `mend` is done, and all is quiet again: of nothing else was there a sound. */
  async function rings(test, name, { harm, mend, within }) {
    alarms.forget();
    const begun = performance.now();
    const minutes = () => ((performance.now() - begun) / MINUTE).toFixed(1);
    await harm();
    await alarms.until(`${name} to ring`, (ringing) => ringing.includes(name), within);
    test.diagnostic(`${name} rang after ${minutes()} min`);
    await mend();
    await alarms.until('all to be quiet, and nothing on its way to ring', (ringing, pending) => !ringing.length && !pending.length, 20 * MINUTE);
    test.diagnostic(`quiet after ${minutes()} min; on their way to ring were ${[...alarms.neared].join(', ')}`);
    assert.deepEqual([...alarms.rang], [name]);
  }

  it('nothing, while nothing is wrong', async () => {
    await alarms.watched(3 * MINUTE);
    assert.deepEqual([...alarms.rang], []);
  });

  it('that Redis is away, when Redis is stopped', (test) => rings(test, 'CarillonRedisAway', {
    harm: () => redis.stop(),
    mend: () => redis.start(),
    within: 3 * MINUTE,
  }));

  it('that a node is down, when a node is killed', (test) => rings(test, 'CarillonNodeDown', {
    harm: () => nodes[0].kill(),
    mend: () => nodes[0].start(),
    within: 4 * MINUTE,
  }));

  it('that there are slow readers, when a client stalls and comes back and stalls', (test) => {
    const stalled = new Stalled(nodes[1]);
    return rings(test, 'CarillonSlowReaders', {
      harm: () => stalled.start(),
      mend: () => stalled.stop(),
      within: 25 * MINUTE,
    });
  });
});

/** Workers, all day: a task a second by a node's door, one by Redis, as long as these let them. */
class Work extends Ceaseless {
  #nodes;
  #redis;
  #n = 0;

  constructor(nodes, redis) {
    super();
    [this.#nodes, this.#redis] = [nodes, redis];
  }

  async round() {
    const n = this.#n += 1;
    const user = n % PAGES;
    const refused = () => {};
    await this.#nodes[n % 3].post('/v1/tasks', [progress(user, `door-${n}`, 50), complete(user, `door-${n}`)]).catch(refused);
    await this.#redis.ask('XADD', 'carillon:tasks', '*', 'json', JSON.stringify(complete(user, `redis-${n}`))).catch(refused);
    await new Promise((wake) => setTimeout(wake, 1_000));
  }
}

/** A client that comes, reads nothing more once something waits for it, is put out for that, and comes again. */
class Stalled extends Ceaseless {
  #node;

  constructor(node) {
    super();
    this.#node = node;
  }

  async round() {
    const raw = await RawSocket.enter(this.#node.url, { namespace: '/notice', user: 'stalled' });
    raw.socket.pause();
    await until('something to wait for the one who does not read', async () => {
      await this.#node.emit({ to: { user: 'stalled' }, namespace: '/notice', event: 'stuffing', data: PART });
      return (await this.#sockets()).some((socket) => socket.queued_bytes > 0);
    }, MINUTE);
    await until('them to be put out', async () => (await this.#sockets()).length === 0, MINUTE);
    raw.close();
  }

  #sockets() {
    return this.#node.sockets('?user=stalled');
  }
}
