// What a client says to the server: `send`, named events, binary, with and without an ack, of every
// generation by every transport and of a plain WebSocket, as the backend reads it from the stream.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { Redis } from '../workers/redis.mjs';
import { Carillon, node } from './carillon.mjs';
import { PAIRS, isOld, open } from './generations.mjs';
import { PlainSocket } from './plain.mjs';
import { until } from './until.mjs';

const redis = new Redis();
const carillon = new Carillon();
let users = 700;

/** The entries of one user, oldest first, each as an object. */
async function entriesOf(user) {
  const entries = JSON.parse(await redis.ask('--json', 'XRANGE', 'carillon:uplink', '-', '+'));
  const fields = entries.map(([, list]) => Object.fromEntries(
    list.flatMap((word, at) => (at % 2 ? [] : [[word, list[at + 1]]]))));
  return fields.filter((entry) => entry.user === user);
}

function enter(test, pair, url = carillon.url) {
  const user = `${users += 1}`;
  const page = open({ ...pair, namespace: '/notice', query: `user=${user}`, url }, (end) => test.after(end));
  return page.connected().then(() => ({ page, user }));
}

describe('what a client says is in the stream', () => {
  before(async () => {
    await redis.start();
    carillon.configure({ CARILLON_REDIS__URL: redis.ownUrl, CARILLON_UPLINK__STREAM: 'uplink' });
    await carillon.start();
  });
  after(async () => {
    await carillon.stop();
    await redis.stop();
  });

  for (const pair of PAIRS) {
    const name = `${pair.generation} by ${pair.transport}`;

    it(`when ${name} acknowledges, sends and names events, in their order`, async (test) => {
      const { page, user } = await enter(test, pair);
      page.socket.send('hello', { 问: 'é' });
      page.socket.emit('no ack', 1, null);
      const [{ id }] = await page.ask('chat.said', { text: 'two' }, [3]);
      assert.match(id, /^\d+-\d+$/);
      const entries = await entriesOf(user);
      assert.deepEqual(entries.map(({ event, args }) => [event, args]), [
        ['message', '["hello",{"问":"é"}]'],
        ['no ack', '[1,null]'],
        ['chat.said', '[{"text":"two"},[3]]'],
      ]);
      const socket = isOld(pair.generation) ? `/notice#${page.manager.engine.id}` : page.id;
      for (const entry of entries) {
        assert.deepEqual([entry.kind, entry.socket, entry.namespace], ['event', socket, '/notice']);
      }
    });

    it(`when ${name} says it in bytes`, async (test) => {
      const { page, user } = await enter(test, pair);
      const [{ id }] = await page.ask('file', { part: Buffer.from([0, 1, 255]), n: 1 }, Buffer.from('é'));
      assert.ok(id);
      const [{ args }] = await entriesOf(user);
      assert.deepEqual(JSON.parse(args), [{ part: { $binary: 'AAH/' }, n: 1 }, { $binary: 'w6k=' }]);
    });
  }

  it('when a plain WebSocket says it', async (test) => {
    const user = `${users += 1}`;
    const plain = await PlainSocket.open(carillon.url, `namespace=/notice&user=${user}`);
    test.after(() => plain.close());
    plain.socket.send('{"event":"message","args":[ 1.0, "a" ]}');
    const { args: [{ id }] } = await plain.ask('named', [{ b: 2 }], 1);
    assert.ok(id);
    const said = (await entriesOf(user)).map(({ event, args }) => [event, args]);
    assert.deepEqual(said, [['message', '[1.0,"a"]'], ['named', '[{"b":2}]']]);
  });

  it('and what is reserved is not', async (test) => {
    const user = `${users += 1}`;
    const plain = await PlainSocket.open(carillon.url, `namespace=/notice&user=${user}`);
    test.after(() => plain.close());
    const { args: [{ error }] } = await plain.ask('disconnect', [], 1);
    assert.equal(error.code, 'event');
    assert.deepEqual(await entriesOf(user), []);
  });
});

describe('a client that says too much', () => {
  const limited = node({ settings: { CARILLON_LIMITS__EVENTS_PER_SECOND: '20' } });

  for (const pair of PAIRS.filter(({ transport }) => transport === 'websocket')) {
    it(`is told so: ${pair.generation}`, async (test) => {
      const { page } = await enter(test, pair, limited.url);
      const answers = await Promise.all(Array.from({ length: 40 }, () => page.ask('tasks')));
      const refused = answers.filter(([answer]) => answer.error?.code === 'rate_limited');
      assert.ok(refused.length > 5 && refused.length <= 20, `${refused.length} of 40 were refused`);
      assert.ok(page.isConnected);
    });

    it(`and goes on is put out: ${pair.generation}`, async (test) => {
      const { page } = await enter(test, pair, limited.url);
      const before = await limited.count('carillon_departures_total', 'reason="events"');
      for (let n = 0; n < 200; n += 1) page.socket.emit('tasks');
      await until('it to be put out', async () =>
        await limited.count('carillon_departures_total', 'reason="events"') > before);
    });
  }
});
