// A room that is kept: whoever logs in late is told what was said there before, by every client and transport.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { node } from './carillon.mjs';
import { PAIRS, open } from './generations.mjs';
import { EventStream, PlainSocket } from './plain.mjs';

const carillon = node({ settings: { CARILLON_RECOVERY__ROOMS: 'chat:*' } });

const said = (room, data) => carillon.emit({ to: { room }, event: 'said', data });

describe('kept rooms', { concurrency: 6 }, () => {
  for (const [at, { generation, transport }] of PAIRS.entries()) {
    it(`${generation} by ${transport} is told what was said before it logged in, as it was given`, async (test) => {
      const room = `chat:${at}`;
      await said(room, 1);
      await said(room, 2);
      const page = open({ generation, transport, url: carillon.url }, (end) => test.after(end)).listen('said');
      await page.connected();
      const [{ code }] = await page.ask('loginRoom', room);
      assert.equal(code, '2002');
      await said(room, 3);
      await page.event('said', (data) => data === 3);
      assert.deepEqual(page.named('said').map(({ args }) => args), [[1], [2], [3]]);
    });
  }

  it('an event stream names an id of each, and goes on behind it', async () => {
    const query = 'namespace=/&room=chat:stream';
    await said('chat:stream', 1);
    await said('chat:stream', 2);
    const first = await EventStream.open(carillon.url, query);
    const { lastEventId } = await first.event('said', ({ args: [data] }) => data === 1);
    assert.match(lastEventId, /^room:chat%3Astream@\/:/);
    first.close();
    const second = await EventStream.open(carillon.url, query, { 'last-event-id': lastEventId });
    await second.event('said', ({ args: [data] }) => data === 2);
    assert.deepEqual(second.heard.filter(({ event }) => event === 'said').map(({ args }) => args), [[2]]);
    second.close();
  });

  it('a plain WebSocket goes on behind its cursor after a cut', async () => {
    const query = 'namespace=/&room=chat:cut';
    const first = await PlainSocket.open(carillon.url, query);
    await first.event('downmsg');
    await said('chat:cut', 1);
    const { id } = await first.event('said');
    first.close();
    await said('chat:cut', 2);
    const second = await PlainSocket.open(carillon.url, `${query}&since=${encodeURIComponent(id)}`);
    const missed = await second.event('said');
    assert.deepEqual([missed.args, missed.replayed], [[2], true]);
    second.close();
  });
});
