// A message for one socket without an event name: it arrives as the event named by `socket.id`, as
// that client knows its id.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { node } from './carillon.mjs';
import { PAIRS, open } from './generations.mjs';

const carillon = node();

describe('addressed to one socket', { concurrency: 5 }, () => {
  let user = 300;
  for (const { generation, transport } of PAIRS) {
    for (const namespace of ['/', '/notice']) {
      const query = `user=${user += 1}`;
      it(`${generation} by ${transport} on ${namespace} hears the event named by its socket.id`, async (test) => {
        const ends = (end) => test.after(end);
        const options = { generation, transport, namespace, query, url: carillon.url };
        const [page, other] = [open(options, ends), open(options, ends)];
        await Promise.all([page.connected(), other.connected()]);
        for (const each of [page, other]) each.listen(page.id, 'marker');

        const data = { to: page.id, name: '测试' };
        const answer = await carillon.emit({ to: { socket: page.id }, namespace, data });
        assert.equal(answer.nodes, 1);
        const heard = await page.event(page.id);
        assert.deepEqual(heard.args, [data]);

        await carillon.emit({ namespace, event: 'marker', data: null });
        await Promise.all([page.event('marker'), other.event('marker')]);
        assert.equal(page.count(page.id), 1, 'under the name it knows, once');
        assert.equal(other.count(page.id), 0, 'nobody else hears it');
      });
    }
  }

  it('an unknown socket is answered 404', async () => {
    const body = { to: { socket: 'nobody' }, namespace: '/', data: 1 };
    const { status, body: answer } = await carillon.post('/v1/emit', body);
    assert.equal(status, 404);
    assert.equal(typeof answer.error.message, 'string');
  });
});
