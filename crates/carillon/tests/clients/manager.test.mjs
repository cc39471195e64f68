// Both namespaces over one Manager, the way a page opens them: `/` first, `/notice` beside it.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { node } from './carillon.mjs';
import { PAIRS, isOld, open } from './generations.mjs';
import { complete } from './messages.mjs';

const carillon = node();

describe('one Manager', { concurrency: 5 }, () => {
  let user = 200;
  for (const { generation, transport } of PAIRS) {
    const own = user += 1;
    it(`${generation} by ${transport} has / and then /notice on one transport`, async (test) => {
      const ends = (end) => test.after(end);
      const task = `beside_${own}`;
      const { shared, named } = userOf(generation, own);
      const main = open({ generation, transport, url: carillon.url, ...shared }, ends);
      await main.event('downmsg');
      const notice = open({ generation, transport, namespace: '/notice', beside: main, ...named }, ends);
      await notice.connected();

      assert.equal(notice.manager, main.manager);
      await carillon.handIn(complete(own, task));
      await notice.notice(task, 'file.complete');
      assert.equal(main.notices(task).length, 0, 'a notice must not reach /');
      assert.equal(notice.count('downmsg'), 0, 'the greeting must not reach /notice');
    });
  }
});

/** Where a second namespace's user can be said: 1.4 has only the transport's query, 3 and 4 `auth`. */
function userOf(generation, user) {
  const query = `user=${user}`;
  if (generation === '1.4') return { shared: { query } };
  return { named: isOld(generation) ? { query } : { auth: { user } } };
}
