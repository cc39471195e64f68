// Clients without Socket.IO: what `/ws` and `/events` carry, where a cursor takes them up again, and
// how they are refused.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { node } from './carillon.mjs';
import { complete, failed, progress } from './messages.mjs';
import { EventStream, PlainSocket, Refused } from './plain.mjs';

const carillon = node();
const ROADS = { '/ws': PlainSocket, '/events': EventStream };

describe('a plain client', () => {
  let user = 600;
  for (const [path, Road] of Object.entries(ROADS)) {
    const enter = async (test, query, headers) => {
      const plain = await Road.open(carillon.url, query, headers);
      test.after(() => plain.close());
      return plain;
    };

    it(`of ${path} gets the snapshot and what follows as event, args and id`, async (test) => {
      const own = `${user += 1}`;
      await carillon.handIn(progress(own, 'copy', 10));
      const plain = await enter(test, `namespace=/notice&user=${own}`);
      const snapshot = await plain.notice('copy', 'file.progress');
      assert.deepEqual(snapshot.args[0], progress(own, 'copy', 10));
      await carillon.handIn(complete(own, 'copy'));
      const end = await plain.notice('copy', 'file.complete');
      assert.deepEqual(end.args[0], complete(own, 'copy'));
      assert.match(end.id, /^.+:.+-\d+$/);
      assert.deepEqual(Object.keys(JSON.parse(end.raw)).sort(), ['args', 'event', 'id']);
    });

    it(`of ${path} on / is greeted and hears everyone's events with their args`, async (test) => {
      const plain = await enter(test, 'namespace=/');
      assert.deepEqual((await plain.event('downmsg')).args, [{ code: '2001', msg: 'connect success' }]);
      await carillon.emit({ namespace: '/', event: `news ${path}`, args: [1, 'two', { three: null }] });
      assert.deepEqual((await plain.event(`news ${path}`)).args, [1, 'two', { three: null }]);
    });

    it(`of ${path} with since gets what it missed, and nothing it saw`, async (test) => {
      const own = `${user += 1}`;
      const first = await enter(test, `namespace=/notice&user=${own}`);
      await carillon.handIn(complete(own, 'seen'));
      const { id } = await first.notice('seen', 'file.complete');
      first.close();
      await carillon.handIn(failed(own, 'missed'));

      const query = `namespace=/notice&user=${own}`;
      const returns = [await enter(test, `${query}&since=${encodeURIComponent(id)}`)];
      if (Road === EventStream) returns.push(await enter(test, query, { 'last-event-id': id }));
      for (const plain of returns) {
        await plain.notice('missed', 'file.error');
        await carillon.handIn(complete(own, 'marker'));
        await plain.notice('marker', 'file.complete');
        assert.deepEqual(plain.ofTask('seen'), []);
      }
    });

    it(`of ${path} is refused with 401 or 403 for reasons that will not pass`, async () => {
      const cases = [
        ['namespace=/notice', {}, [401]],
        ['namespace=/notice&user=5&userIdentity=6', {}, [401, 403]],
        ['namespace=/nowhere&user=5', {}, [401, 403]],
        ['namespace=/notice&user=5', { origin: 'http://elsewhere.example' }, [403]],
      ];
      const before = await carillon.count('carillon_handshakes_total');
      for (const [query, headers, statuses] of cases) {
        const refused = await Road.open(carillon.url, query, headers).catch((error) => error);
        assert.ok(refused instanceof Refused, `${query} was let in`);
        assert.ok(statuses.includes(refused.status), `${query}: ${refused.message}`);
      }
      assert.ok(await carillon.count('carillon_handshakes_total') >= before + cases.length);
    });

    it(`of ${path} is let in from an origin of the same host`, async (test) => {
      await enter(test, 'namespace=/', { origin: carillon.url });
    });
  }

  it('of /events gets the id as the stream position', async (test) => {
    const own = `${user += 1}`;
    const stream = await EventStream.open(carillon.url, `namespace=/notice&user=${own}`);
    test.after(() => stream.close());
    await carillon.handIn(complete(own, 'copy'));
    const { id, lastEventId } = await stream.notice('copy', 'file.complete');
    assert.match(stream.type, /^text\/event-stream/);
    assert.equal(lastEventId, id);
  });

  it('from a strange origin is refused by Socket.IO too, and told the setting', async () => {
    const address = `${carillon.url}/socket.io/?EIO=4&transport=polling`;
    const answer = await fetch(address, { headers: { origin: 'http://elsewhere.example' } });
    assert.equal(answer.status, 403);
    assert.match(await answer.text(), /public\.origins/);
  });
});
