// What the official client's own documentation lists, tried against a node: what docs/socketio.md says
// of options and methods rests on this.

import assert from 'node:assert/strict';
import { get } from 'node:http';
import { describe, it } from 'node:test';
import { WebSocket } from 'ws';
import { node } from './carillon.mjs';
import { open } from './generations.mjs';
import { relay } from './relay.mjs';
import { until, within } from './until.mjs';

const carillon = node({
  settings: {
    CARILLON_PUBLIC__PING_INTERVAL: '3s',
    CARILLON_PUBLIC__PING_TIMEOUT: '2s',
    CARILLON_LIMITS__PAYLOAD_BYTES: '500000',
  },
});

/** A connected page of 4.8, or of another generation. */
const page = (test, options = {}) =>
  open({ generation: '4.8', url: carillon.url, ...options }, (end) => test.after(end)).connected();

describe('a socket of client 4.8', () => {
  it('gets acks by emitWithAck, by timeout and by retries', async (test) => {
    const { socket } = await page(test, { options: { retries: 2, ackTimeout: 2_000 } });
    const asked = await socket.timeout(5_000).emitWithAck('loginRoom', 'with ack');
    assert.equal(asked.code, '2002');
    const kept = await new Promise((resolve) => socket.emit('loginRoom', 'kept', (error, answer) => resolve({ error, answer })));
    assert.equal(kept.error, null);
    assert.equal(kept.answer.code, '2002');
  });

  it('sends volatile and compressed as anything else', async (test) => {
    const one = await page(test);
    one.socket.volatile.emit('loginRoom', 'volatile');
    one.socket.compress(true).emit('loginRoom', 'compressed');
    for (const room of ['volatile', 'compressed']) {
      await one.event('downmsg', ({ msg }) => msg === `login room (id:${room}) success`);
    }
  });

  it('tells its listeners of any event what comes and what goes', async (test) => {
    const { socket } = await page(test);
    const heard = [];
    socket.onAny((name) => heard.push(`second ${name}`));
    socket.prependAny((name) => heard.push(`first ${name}`));
    socket.onAnyOutgoing((name) => heard.push(`out ${name}`));
    socket.emit('loginRoom', 'any');
    await until('both', () => heard.length === 3);
    assert.deepEqual(heard, ['out loginRoom', 'first downmsg', 'second downmsg']);
    socket.offAny();
    await socket.emitWithAck('leaveRoom', 'any');
    assert.equal(heard.filter((name) => name.includes('downmsg')).length, 2);
  });

  it('keeps what is emitted before it is connected, and leaves out what is volatile', async (test) => {
    const early = open({ generation: '4.8', url: carillon.url, options: { autoConnect: false } }, (end) => test.after(end));
    early.socket.emit('loginRoom', 'early');
    early.socket.volatile.emit('loginRoom', 'lost');
    early.socket.connect();
    await early.event('downmsg', ({ code }) => code === '2002');
    await early.socket.emitWithAck('leaveRoom', 'early');
    assert.deepEqual(early.named('downmsg').map(({ args }) => args[0].code), ['2001', '2002']);
  });

  it('is not said to be recovered, and has another id after it was away', async (test) => {
    const { socket } = await page(test);
    const first = socket.id;
    assert.ok(!socket.recovered);
    socket.io.engine.close();
    await until('it to be back', () => socket.connected && socket.id !== first);
    assert.ok(!socket.recovered);
  });

  it('disconnects, is listed no more, and connects again', async (test) => {
    const { socket } = await page(test);
    const { id } = socket;
    socket.disconnect();
    await until('it to be gone', async () => !(await carillon.sockets()).some((each) => each.id === id));
    socket.connect();
    await until('it to be listed', async () => (await carillon.sockets()).some((each) => each.id === socket.id));
  });

  it('may give auth by a function, and the query beside it', async (test) => {
    await page(test, { namespace: '/notice', options: { auth: (give) => give({ user: 'asked' }) } });
    await page(test, { namespace: '/notice', query: 'user=queried' });
    for (const user of ['asked', 'queried']) {
      assert.equal((await carillon.sockets(`?namespace=/notice&user=${user}`)).length, 1, user);
    }
  });

  it('has a transport of its own where it is told so', async (test) => {
    const { Manager } = await import('socket.io-client-4.8');
    const manager = new Manager(carillon.url, { transports: ['websocket'] });
    test.after(() => manager._close());
    const shared = [manager.socket('/'), manager.socket('/notice', { auth: { user: 'one' } })];
    await until('both', () => shared.every(({ connected }) => connected));
    const own = await page(test);
    assert.notEqual(own.manager.engine.id, manager.engine.id);
  });

  for (const transports of [['websocket', 'polling'], ['polling', 'websocket', 'webtransport']]) {
    it(`connects with the transports ${transports}, and ends on WebSocket`, async (test) => {
      const options = { transports, tryAllTransports: true };
      await page(test, { options });
    });
  }

  it('connects to a path without the slash at its end', async (test) => {
    const options = { addTrailingSlash: false };
    for (const transport of ['polling', 'websocket']) await page(test, { transport, options });
  });

  it('gives up after as many attempts as it is told', async (test) => {
    const network = await relay(carillon.publicPort, (end) => test.after(end));
    const options = { reconnectionAttempts: 2, reconnectionDelay: 10, reconnectionDelayMax: 20, randomizationFactor: 0 };
    const one = await page(test, { url: network.url, options });
    network.cut();
    await one.event('manager reconnect_failed', undefined, 20_000);
    assert.equal(one.count('manager reconnect_attempt'), 2);
  });
});

describe('by the API', () => {
  for (const generation of ['1.4', '2.5', '4.8']) {
    it(`a socket of ${generation} joins, leaves, and is disconnected in either way`, async (test) => {
      const one = await page(test, { generation });
      one.listen('flash');
      const orders = (order, more) => carillon.post(`/v1/sockets/${order}`, { socket: one.id, ...more });
      const rooms = [`api ${generation}`];
      assert.deepEqual((await orders('join', { rooms })).body, { sockets: 1 });
      await carillon.emit({ to: { room: rooms[0] }, event: 'flash', data: 1 });
      await one.event('flash');
      assert.deepEqual((await orders('leave', { rooms })).body, { sockets: 1 });
      assert.deepEqual((await orders('disconnect', { close: true })).body, { sockets: 1 });
      await one.event('disconnect', (reason) => reason === 'transport close');
      await until('it to be back', () => one.isConnected);
      assert.deepEqual((await orders('disconnect', { reason: 'rules' })).body, { sockets: 1 });
      await one.event('disconnect', (reason) => reason === 'io server disconnect');
    });

    it(`sockets of ${generation} are chosen by several rooms, once each, but for those left out`, async (test) => {
      const [both, one, left] = await Promise.all([0, 1, 2].map(() => page(test, { generation })));
      const [a, b, c] = ['a', 'b', 'c'].map((room) => `${room} ${generation}`);
      for (const [each, rooms] of [[both, [a, b]], [one, [b]], [left, [a, c]]]) {
        each.listen('flash');
        await carillon.post('/v1/sockets/join', { socket: each.id, rooms });
      }
      await carillon.emit({ to: { rooms: [a, b] }, except: { rooms: [c] }, event: 'flash', data: 1 });
      await carillon.emit({ to: { rooms: [a, b] }, except: { sockets: [one.id] }, event: 'flash', data: 2, volatile: true });
      await carillon.emit({ to: { rooms: [a, b, c] }, event: 'flash', data: 3 });
      const heard = async (each) => {
        await each.event('flash', (data) => data === 3);
        return each.named('flash').map(({ args: [data] }) => data);
      };
      assert.deepEqual(await heard(both), [1, 2, 3]);
      assert.deepEqual(await heard(one), [1, 3]);
      assert.deepEqual(await heard(left), [2, 3]);
    });
  }
});

describe('on the wire', () => {
  it('the open packet tells the settings, one upgrade, and sets no cookie', async () => {
    const answer = await fetch(`${carillon.url}/socket.io/?EIO=4&transport=polling`, { headers: { 'accept-encoding': 'gzip' } });
    const { sid, ...open } = JSON.parse((await answer.text()).slice(1));
    assert.equal(typeof sid, 'string');
    assert.deepEqual(open, { upgrades: ['websocket'], pingInterval: 3_000, pingTimeout: 2_000, maxPayload: 500_000 });
    assert.equal(answer.headers.get('set-cookie'), null);
    assert.equal(answer.headers.get('content-encoding'), null);
  });

  it('a WebSocket that offers to deflate is not taken up on it', async (test) => {
    const socket = new WebSocket(`${carillon.url.replace('http', 'ws')}/socket.io/?EIO=4&transport=websocket`);
    test.after(() => socket.terminate());
    await within('the handshake', new Promise((resolve) => socket.once('open', resolve)));
    assert.equal(socket.extensions, '');
  });

  it('JSONP is refused with 400 and what to use instead', async () => {
    const answer = await fetch(`${carillon.url}/socket.io/?EIO=3&transport=polling&j=0`);
    assert.equal(answer.status, 400);
    assert.match((await answer.json()).message, /JSONP is not served here/);
  });

  it('a request with an unknown transport is refused as Node does', (test, done) => {
    get(`${carillon.url}/socket.io/?EIO=4&transport=webtransport`, (answer) => {
      assert.equal(answer.statusCode, 400);
      answer.resume().on('end', done);
    });
  });
});
