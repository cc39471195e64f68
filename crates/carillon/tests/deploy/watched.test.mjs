// Two nodes under a little load, a real Prometheus that asks them, and what we ship to look at them with.

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';
import { files } from '../../../../deploy/grafana/dashboards.mjs';
import { Carillon } from '../clients/carillon.mjs';
import { complete } from '../clients/messages.mjs';
import { until } from '../clients/until.mjs';
import { Redis } from '../workers/redis.mjs';
import { Prometheus } from './prometheus.mjs';

const PROGRAM = join(dirname(process.env.PROMTOOL ?? ''), 'prometheus');
const skip = process.env.PROMTOOL && existsSync(PROGRAM) ? false : 'NOT TESTED, Prometheus is not here';
const QUERIES = files().flatMap(([name, made]) => JSON.parse(made).panels.flatMap(({ title, targets }) => targets.map(({ expr }) =>
  ({ name, where: `${name}: ${title}`, expr: expr.replaceAll('$__rate_interval', '5s').replaceAll(/"\$(namespace|job|pod)"/g, '".+"') }))));
/** What has nothing to show while nobody uses it: TLS, keys, room logins, and what clients and backends say. */
const QUIET = ['Not passed on', 'Events of clients', 'TLS handshakes', 'Certificates', 'Acknowledgements', 'Turned away by the API',
  'Dead letters', 'Read again from the store', 'No room for', 'Signals lost', 'Asked of other nodes', 'Downlinks', 'Uplink', 'Logins',
  'Files read again', 'Revocations', 'Sessions of other nodes', 'Changes to WebSocket', 'Time to an acknowledgement',
  'How long connections lasted'];

describe('a cluster that is watched', { skip }, () => {
  const redis = new Redis();
  const prometheus = new Prometheus();
  const page = new AbortController();
  const nodes = [];
  let load;

  before(async () => {
    await redis.start();
    nodes.push(...[1, 2].map(() => new Carillon({ settings: { CARILLON_REDIS__URL: redis.ownUrl } })));
    await Promise.all(nodes.map((node) => node.start()));
    await prometheus.start(PROGRAM, nodes.map(({ internal }) => new URL(internal).host));
    for (const { url } of nodes) await fetch(`${url}/events?namespace=/notice&user=5`, { signal: page.signal });
    let task = 0;
    load = setInterval(() => nodes[0].handIn(complete(5, `task-${task += 1}`)).catch(() => {}), 200);
  });
  afterEach((test) => test.passed === false && nodes.forEach((node) => node.tell(test.name)));
  after(async () => {
    clearInterval(load);
    page.abort();
    await prometheus.stop();
    await Promise.all(nodes.map((node) => node.stop()));
    await redis.stop();
  });

  it('fills every panel that is not of what nobody uses', async () => {
    for (const { where, expr } of QUERIES.filter((query) => !QUIET.some((title) => query.where.endsWith(`: ${title}`)))) {
      await until(`data for ${where}: ${expr}`, () => prometheus.series(expr), 30_000);
    }
  });

  it('has fewer than 500 series a node', async () => {
    for (const node of nodes) assert.ok((await node.metrics()).size < 500, `${(await node.metrics()).size}`);
  });

  it('is asked nothing that Prometheus refuses', async () => {
    for (const { expr } of QUERIES) await prometheus.series(expr);
  });

  it('is judged by every rule, and nothing is wrong with it', async () => {
    const rules = await until('every rule to have been looked at', async () => {
      const all = await prometheus.rules();
      return all.length > 0 && all.every(({ health }) => health !== 'unknown') && all;
    });
    assert.deepEqual(rules.filter(({ health }) => health !== 'ok').map(({ name, lastError }) => [name, lastError]), []);
    assert.deepEqual(rules.filter(({ state }) => state === 'firing').map(({ name }) => name), []);
  });
});
