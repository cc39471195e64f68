// Three nodes behind a balancer that knows nothing of sessions: each request goes to the next node. No
// request fails, whatever the client and its transports; and when a node dies, its pages begin anew at once.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { Redis } from '../workers/redis.mjs';
import { balancer } from './balancer.mjs';
import { Carillon } from './carillon.mjs';
import { GENERATIONS, PAIRS, open } from './generations.mjs';
import { complete, progress } from './messages.mjs';
import { until } from './until.mjs';

const TASKS = 20;
const redis = new Redis();

describe('three nodes without stickiness', () => {
  let nodes;

  before(async () => {
    await redis.start();
    const settings = { CARILLON_REDIS__URL: redis.ownUrl, CARILLON_LEASES__NODE: '3s' };
    nodes = Array.from({ length: 3 }, () => new Carillon({ settings }));
    await Promise.all(nodes.map((node) => node.start()));
  });
  after(async () => {
    await Promise.all(nodes.map((node) => node.stop()));
    await redis.stop();
  });

  async function pagesOf(test, pairs, user) {
    const front = await balancer(nodes, (end) => test.after(end));
    const pages = pairs.map((pair) =>
      open({ ...pair, namespace: '/notice', query: `user=${user}`, url: front.url }, (end) => test.after(end)));
    await Promise.all(pages.map((page) => page.connected()));
    return { front, pages };
  }

  it('serve every page, both ways, without one failed request', async (test) => {
    const { front, pages } = await pagesOf(test, PAIRS, 5);
    for (let n = 0; n < TASKS; n += 1) {
      await nodes[n % 3].handIn([progress(5, `task${n}`, 50), complete(5, `task${n}`)]);
      await Promise.all(pages.map((page) => page.notice(`task${n}`, 'file.complete')));
      await Promise.all(pages.map((page) => page.ask('tasks')));
    }
    for (const page of pages) {
      assert.equal(page.count('disconnect'), 0, `${page}: ${page.story()}`);
      assert.equal(page.notices('task0').filter(({ event }) => event === 'file.complete').length, 1);
    }
    assert.deepEqual(front.failed, []);
    const forwarded = async (outcome) => {
      const counts = await Promise.all(nodes.map((node) => node.count('carillon_forwarded_total', `"${outcome}"`)));
      return counts.reduce((sum, count) => sum + count, 0);
    };
    assert.ok(await forwarded('answered') > 5 * TASKS);
    assert.ok(await forwarded('tunnelled') > 0, 'an upgrade went to another node');
    assert.equal(await forwarded('failed') + await forwarded('gone') + await forwarded('late'), 0);
  });

  it('send large messages through, and binary ones, in order', async (test) => {
    const { front, pages } = await pagesOf(test, PAIRS, 6);
    const long = 'ü'.repeat(60_000);
    for (const page of pages) page.listen('long', 'bytes');
    for (let n = 0; n < 5; n += 1) {
      await nodes[n % 3].emit({ to: { user: '6' }, namespace: '/notice', event: 'long', args: [n, long] });
      await nodes[n % 3].emit({ to: { user: '6' }, namespace: '/notice', event: 'bytes', binary: true, data: { $binary: 'AAEC' } });
    }
    for (const page of pages) {
      await until(() => `${page} to have all`, () => page.count('bytes') === 5);
      assert.deepEqual(page.named('long').map(({ args: [n, text] }) => [n, text === long]),
        [0, 1, 2, 3, 4].map((n) => [n, true]), `${page}`);
    }
    assert.deepEqual(front.failed, []);
  });

  it('turn away who wants a tunnel and is no node', async () => {
    for (const authorization of [undefined, 'Ticket ', 'Ticket abc', 'Bearer abc']) {
      const headers = { ...(authorization && { authorization }) };
      const answer = await fetch(`${nodes[0].internal}/tunnel`, { headers });
      assert.equal(answer.status, 401);
    }
    assert.equal((await fetch(`${nodes[0].url}/tunnel`)).status, 404);
  });

  it('have the pages of a node that dies begin anew at once', async (test) => {
    const pairs = GENERATIONS.flatMap((generation) => ['polling', 'upgrade'].map((transport) => ({ generation, transport })));
    const { pages } = await pagesOf(test, [...pairs, ...pairs, ...pairs], 7);
    const [dead] = nodes.splice(2, 1);
    const begin = performance.now();
    process.kill(dead.pid, 'SIGKILL');
    await nodes[0].handIn([complete(7, 'meanwhile')]);
    await Promise.all(pages.map((page) => until(() => `${page} to have the end: ${page.story()}`,
      () => page.isConnected && page.notices('meanwhile').length > 0)));
    test.diagnostic(`all are back after ${Math.round(performance.now() - begin)} ms`);
    assert.ok(performance.now() - begin < 5_000);
  });
});
