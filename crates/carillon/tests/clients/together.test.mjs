// Notices that come together leave together: on each transport whole, and in their order.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { node } from './carillon.mjs';
import { PAIRS, open } from './generations.mjs';
import { until } from './until.mjs';

const carillon = node();
const MANY = 500;

/** The end of a task; all of them are too much for one write. */
const end = (user, n) => ({ identity: `t${n}`, userIdentity: user, status: 1000, name: 'é'.repeat(1_000) });

describe('what is handed in together', { concurrency: 8 }, () => {
  for (const { generation, transport } of PAIRS) {
    it(`reaches every page of ${generation} by ${transport}, whole and in its order`, async (test) => {
      const user = `together-${generation}-${transport}`;
      const pages = [1, 2].map(() => open({ generation, transport, url: carillon.url, namespace: '/notice',
        query: `user=${user}`, auth: { user } }, (close) => test.after(close)));
      for (const page of pages) await page.connected();
      const all = Array.from({ length: MANY }, (_, n) => end(user, n));
      await carillon.handIn(all);
      for (const page of pages) {
        await until('all of it', () => page.count('file.complete') === MANY, 30_000);
        assert.deepEqual(page.named('file.complete').map(({ args: [data] }) => data), all);
        assert.equal(page.count('disconnect'), 0);
      }
    });
  }
});
