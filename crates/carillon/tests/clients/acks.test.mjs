// Acknowledged emits: a backend asks over `POST /v1/emit`, and every generation by every transport,
// and a plain WebSocket, answers.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { node } from './carillon.mjs';
import { PAIRS, isOld, open } from './generations.mjs';
import { EventStream, PlainSocket } from './plain.mjs';
import { until } from './until.mjs';

const carillon = node();
const ack = { timeout: '10s' };
let users = 900;

/** A page of its own user that does `answer(ack, ...args)` when it is asked. */
async function asked(test, { generation, transport }, answer) {
  const user = `${users += 1}`;
  const entry = { generation, transport, namespace: '/notice', query: `user=${user}`, url: carillon.url };
  const page = open(entry, (end) => test.after(end));
  page.socket.on('question', (...args) => answer(args.pop(), ...args));
  await page.connected();
  await until(`a seat of user ${user}`, async () => (await carillon.sockets(`?namespace=/notice&user=${user}`)).length === 1);
  return { page, user, to: { user }, namespace: '/notice', event: 'question' };
}

describe('an emit with ack', () => {
  for (const pair of PAIRS) {
    const name = `${pair.generation} by ${pair.transport}`;

    it(`is answered by ${name}`, async (test) => {
      const { user, page, ...emit } = await asked(test, pair, (reply, a, b) => reply({ a, b, 问: 'é' }));
      const answer = await carillon.emit({ ...emit, args: [1, ['二']], ack });
      const id = isOld(pair.generation) ? `/notice#${page.socket.io.engine.id}` : page.id;
      assert.deepEqual(answer, {
        acks: [{ socket: id, data: { a: 1, b: ['二'], 问: 'é' } }], missing: 0, nodes: 1,
      });
    });

    it(`gets none, several and binary arguments of ${name}`, async (test) => {
      const { user, page, ...emit } = await asked(test, pair, (reply, kind) => {
        if (kind === 'none') return reply();
        if (kind === 'several') return reply(1, null, 'x');
        return reply({ file: Buffer.from([0, 1, 255]) });
      });
      const data = async (kind) => (await carillon.emit({ ...emit, data: kind, ack })).acks[0].data;
      assert.equal(await data('none'), null);
      assert.deepEqual(await data('several'), [1, null, 'x']);
      assert.deepEqual(await data('binary'), { file: { $binary: 'AAH/' } });
    });
  }

  it('counts who says nothing in time, and a late answer as a stray', async (test) => {
    let late;
    const { user, page, ...emit } = await asked(test, { generation: '4.8', transport: 'websocket' }, (reply) => {
      late = reply;
    });
    const answer = await carillon.emit({ ...emit, data: 1, ack: { timeout: '200ms' } });
    assert.deepEqual(answer, { acks: [], missing: 1, nodes: 1 });
    late('too late');
    await until('the late answer to be counted', async () =>
      await carillon.count('carillon_dropped_total', 'reason="stray_ack"') > 0);
  });

  it('does not wait for one that leaves', async (test) => {
    const { user, page, ...emit } = await asked(test, { generation: '4.8', transport: 'websocket' }, () => page.close());
    const begun = Date.now();
    const answer = await carillon.emit({ ...emit, data: 1, ack: { timeout: '30s' } });
    assert.deepEqual(answer, { acks: [], missing: 1, nodes: 1 });
    assert.ok(Date.now() - begun < 10_000, `it took ${Date.now() - begun} ms`);
  });

  it('reaches a socket by its id, a room and everyone', async (test) => {
    const names = ['first', 'second'];
    const room = `room-${users += 1}`;
    const pages = names.map((name) => {
      const entry = { generation: '4.8', namespace: '/notice', query: `user=${name}&room=${room}`, url: carillon.url };
      const page = open(entry, (end) => test.after(end));
      page.socket.on('question', (reply) => reply(name));
      page.socket.onAny((event, ...args) => event === page.id && args.pop()('by id'));
      return page;
    });
    await Promise.all(pages.map((page) => page.connected()));
    await until('both in the room', async () => (await carillon.sockets(`?room=${room}`)).length === 2);
    const ask = async (rest) => {
      const { acks, missing } = await carillon.emit({ namespace: '/notice', event: 'question', ack, ...rest });
      assert.equal(missing, 0);
      return acks.map(({ data }) => data).sort();
    };
    assert.deepEqual(await ask({ to: { room } }), names);
    assert.deepEqual(await ask({ to: { room }, scope: 'local' }), names);
    assert.deepEqual(await ask({}), names);
    assert.deepEqual(await ask({ to: { socket: pages[1].id } }), ['second']);
    assert.deepEqual(await ask({ to: { socket: pages[0].id }, event: undefined }), ['by id']);
  });

  it('is answered by a plain WebSocket, and an event stream counts as missing', async (test) => {
    const user = `${users += 1}`;
    const query = `namespace=/notice&user=${user}`;
    const plain = await PlainSocket.open(carillon.url, query);
    const stream = await EventStream.open(carillon.url, query);
    test.after(() => [plain, stream].forEach((client) => client.close()));
    await until('both seats', async () => (await carillon.sockets(`?user=${user}`)).length === 2);
    const emit = { namespace: '/notice', to: { user }, event: 'question', args: [1, 2], ack };
    const answered = carillon.emit(emit);
    const heard = await plain.event('question');
    assert.deepEqual(heard.args, [1, 2]);
    plain.socket.send(JSON.stringify({ ack: heard.ack, args: [{ ok: true }] }));
    const { acks, missing } = await answered;
    assert.deepEqual(acks.map(({ data }) => data), [{ ok: true }]);
    assert.equal(missing, 1);
    assert.deepEqual((await stream.event('question')).args, [1, 2]);
  });

  it('refuses an unknown socket and a time limit out of bounds', async () => {
    const emit = { namespace: '/notice', event: 'question', data: 1 };
    const nobody = await carillon.post('/v1/emit', { ...emit, to: { socket: 'nobody' }, ack });
    assert.equal(nobody.status, 404);
    for (const timeout of ['61s', '0s', 'soon']) {
      const { status, body } = await carillon.post('/v1/emit', { ...emit, ack: { timeout } });
      assert.equal(status, 422);
      assert.match(body.error.message, /ack\.timeout/);
    }
    const none = await carillon.emit({ ...emit, to: { user: 'nobody' }, ack });
    assert.deepEqual(none, { acks: [], missing: 0, nodes: 1 });
  });
});
