// Polling alone behind a balancer that knows nothing of sessions, for as long as SECONDS says (480): not one request fails.

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { Redis } from '../workers/redis.mjs';
import { balancer } from './balancer.mjs';
import { Carillon } from './carillon.mjs';
import { GENERATIONS, open } from './generations.mjs';
import { complete, progress } from './messages.mjs';

const SECONDS = Number(process.env.SECONDS ?? 480);
const PAGES_EACH = 6;
/** A task begins so often, of each page's user in turn. */
const GAP_MS = 200;
const DEADLINE_MS = 30_000;

it('three nodes serve polling pages by turns without one failed request', async (test) => {
  const redis = new Redis();
  await redis.start();
  test.after(() => redis.stop());
  const settings = { CARILLON_REDIS__URL: redis.ownUrl };
  const nodes = Array.from({ length: 3 }, () => new Carillon({ settings }));
  test.after(() => Promise.all(nodes.map((node) => node.stop())));
  await Promise.all(nodes.map((node) => node.start()));
  const front = await balancer(nodes, (end) => test.after(end));
  const generations = GENERATIONS.flatMap((generation) => Array(PAGES_EACH).fill(generation));
  const pages = generations.map((generation, user) =>
    open({ generation, transport: 'polling', namespace: '/notice', query: `user=${user}`, url: front.url }, (end) => test.after(end)));
  await Promise.all(pages.map((page) => page.connected()));

  const end = performance.now() + SECONDS * 1_000;
  for (let n = 0; performance.now() < end; n += 1) {
    const [user, identity] = [n % pages.length, `task${n}`];
    await nodes[n % 3].handIn([progress(user, identity, 50), complete(user, identity)]);
    await pages[user].notice(identity, 'file.complete', undefined, DEADLINE_MS);
    await pages[user].ask('tasks');
    assert.equal(pages[user].count('disconnect'), 0, pages[user].story());
    pages[user].heard.length = 0;
    await pause(GAP_MS);
  }
  test.diagnostic(`${front.passed} requests in ${SECONDS} s: ${JSON.stringify([...front.answered])}`);
  assert.deepEqual(front.failed, []);
  for (const page of pages) assert.ok(page.isConnected, `${page}`);
});
