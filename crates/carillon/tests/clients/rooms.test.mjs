// Rooms by every client and transport: each code, as `downmsg` and as the ack, to the letter.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { node } from './carillon.mjs';
import { PAIRS, open } from './generations.mjs';
import { PlainSocket } from './plain.mjs';
import { relay } from './relay.mjs';
import { until } from './until.mjs';

const UNKNOWN = 'type is unknown (use loginWhenFirst, loginWhenLast or loginWhenever)';

// A cut poll is noticed when the client has been silent for too long.
const carillon = node({
  settings: { CARILLON_PUBLIC__PING_INTERVAL: '2s', CARILLON_PUBLIC__PING_TIMEOUT: '2s', CARILLON_LEASES__LOGIN: '2s' },
});

const answer = (code, msg) => ({ code, msg });
const success = (room) => answer('2002', `login room (id:${room}) success`);
const occupied = (room) => answer('2004', `your room id(${room}) already exist`);
const putOut = (room) => answer('2005', `you have kicked out room (id${room})`);

describe('rooms', { concurrency: 6 }, () => {
  for (const [at, { generation, transport }] of PAIRS.entries()) {
    const client = `${generation} by ${transport}`;
    const room = `456.${at}`;
    const pages = (test, count) => Promise.all(Array.from({ length: count }, () =>
      open({ generation, transport, url: carillon.url }, (end) => test.after(end)).listen('flash').connected()));

    it(`${client} is told every code, as downmsg and as the ack`, async (test) => {
      const [one, other] = await pages(test, 2);
      await told(one, [answer('2001', 'connect success')]);
      assert.deepEqual(await one.ask('loginRoom', room), [success(room)]);
      assert.deepEqual(await other.ask('loginRoom', room), [occupied(room)]);
      assert.deepEqual(await other.ask('loginRoom', room, 'first'), [answer('2003', UNKNOWN)]);
      assert.deepEqual(await other.ask('loginRoom'), [answer('2003', 'id is missing')]);
      assert.deepEqual(await other.ask('loginRoom', { id: room, type: 'loginWhenLast' }), [success(room)]);
      await told(one, [answer('2001', 'connect success'), success(room), putOut(room)]);
      await told(other, [answer('2001', 'connect success'), occupied(room), answer('2003', UNKNOWN),
        answer('2003', 'id is missing'), success(room)]);
      assert.ok(one.isConnected, 'who is put out stays connected');
    });

    it(`${client} hears its room while it is in, and not after`, async (test) => {
      const [one, other] = await pages(test, 2);
      const id = 1_000 + at;
      one.socket.emit('loginRoom', { id, type: 'loginWhenever' });
      other.socket.emit('loginRoom', id, 'loginWhenever');
      for (const page of [one, other]) await page.event('downmsg', ({ code }) => code === '2002');
      await carillon.emit({ to: { room: id }, event: 'flash', data: 1 });
      for (const page of [one, other]) await page.event('flash', (data) => data === 1);
      await other.ask('leaveRoom', id);
      await carillon.emit({ to: { room: id }, event: 'flash', data: 2 });
      await carillon.emit({ event: 'flash', data: `after ${id}` });
      for (const page of [one, other]) await page.event('flash', (data) => data === `after ${id}`);
      assert.deepEqual(one.named('flash').map(({ args: [data] }) => data).filter(ours(id)), [1, 2, `after ${id}`]);
      assert.deepEqual(other.named('flash').map(({ args: [data] }) => data).filter(ours(id)), [1, `after ${id}`]);
    });

    it(`${client} gives its room back when its network dies, and gets past its own ghost`, async (test) => {
      const network = await relay(carillon.publicPort, (end) => test.after(end));
      const one = await open({ generation, transport, url: network.url }, (end) => test.after(end)).connected();
      const [other] = await pages(test, 1);
      const login = { id: `g${room}`, resume: `key of ${client}` };
      assert.deepEqual(await one.ask('loginRoom', login), [success(`g${room}`)]);
      assert.deepEqual(await other.ask('loginRoom', login.id), [occupied(`g${room}`)]);
      assert.deepEqual(await other.ask('loginRoom', login), [success(`g${room}`)]);
      await one.event('downmsg', ({ code }) => code === '2005');
      assert.deepEqual(await one.ask('loginRoom', login), [success(`g${room}`)]);
      network.cut();
      await until('the room to be given back', async () =>
        (await other.ask('loginRoom', login.id))[0].code === '2002', 20_000);
    });
  }

  it('a plain WebSocket is told them too', async (test) => {
    const open = async () => {
      const plain = await PlainSocket.open(carillon.url, 'namespace=/');
      test.after(() => plain.close());
      await plain.event('downmsg');
      return plain;
    };
    const [one, other] = [await open(), await open()];
    assert.deepEqual((await one.ask('loginRoom', [7], 1)).args, [success('7')]);
    assert.deepEqual((await other.ask('loginRoom', ['7'], 1)).args, [occupied('7')]);
    assert.deepEqual((await other.ask('loginRoom', ['7', 'loginWhenLast'], 2)).args, [success('7')]);
    await one.event('downmsg', ({ args }) => args[0].code === '2005');
    assert.deepEqual((await other.ask('leaveRoom', ['7'], 3)).args, [{ msg: 'leave room (id:7) success' }]);
    assert.deepEqual((await one.ask('loginRoom', ['7'], 2)).args, [success('7')]);
  });

  it('a room of another namespace is nobody\'s to log in to', async (test) => {
    const plain = await PlainSocket.open(carillon.url, 'namespace=/notice&user=5');
    test.after(() => plain.close());
    const { args: [{ error }] } = await plain.ask('loginRoom', ['7'], 1);
    assert.equal(error.code, 'unhandled');
  });
});

/** Emits of other tests reach everyone too. */
const ours = (id) => (data) => typeof data === 'number' || data === `after ${id}`;

async function told(page, answers) {
  await until(() => `${answers.length} answers at ${page}: ${page.story()}`, () =>
    page.count('downmsg') >= answers.length);
  assert.deepEqual(page.named('downmsg').map(({ args: [message] }) => message), answers);
}
