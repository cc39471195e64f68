// Socket.IO's own connection state recovery: an unmodified client 4.8 that was cut off has its id, its rooms and
// all that it missed, whichever node it comes back to and whatever became of its own; or is told that it has not.

import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { Redis } from '../workers/redis.mjs';
import { balancer } from './balancer.mjs';
import { Carillon, node } from './carillon.mjs';
import { TRANSPORTS, open } from './generations.mjs';
import { complete, progress } from './messages.mjs';
import { until } from './until.mjs';

const KEY = 'the-secret-of-thirty-two-bytes-ok';
const native = { CARILLON_RECOVERY__NATIVE: 'true' };
const redis = new Redis();

/** Opens a page whose connects are recorded: `{ id, recovered }`. */
async function pageOf(test, url, options) {
  const page = open({ generation: '4.8', url, ...options }, (end) => test.after(end)).listen('said', 'other');
  page.connects = [];
  page.socket.on('connect', () => page.connects.push({ id: page.socket.id, recovered: Boolean(page.socket.recovered) }));
  await page.connected();
  return page;
}

/** What the page heard by that name, but for the offset behind it. */
const heard = (page, name) => page.named(name).map(({ args }) => args.slice(0, -1));

const back = (page) => until(() => `${page} to be back: ${page.story()}`, () => page.isConnected && page.connects.length > 1);

async function isRecovered(page) {
  await back(page);
  const [first, second] = page.connects;
  assert.deepEqual(second, { id: first.id, recovered: true }, page.story());
}

async function isNew(page) {
  await back(page);
  const [first, second] = page.connects;
  assert.equal(second.recovered, false);
  assert.notEqual(second.id, first.id);
}

/** Keeps the page away from any node until it is let in again. */
function away(page) {
  page.manager.reconnection(false);
  page.manager.engine.close();
  return () => {
    page.manager.reconnection(true);
    page.socket.connect();
  };
}

describe('a client that was cut off', { concurrency: 4 }, () => {
  const carillon = node({ settings: native });

  for (const transport of Object.keys(TRANSPORTS)) {
    it(`by ${transport} has its id, its room and what was sent meanwhile, once and in order`, async (test) => {
      const room = `r-${transport}`;
      const page = await pageOf(test, carillon.url, { transport });
      assert.equal((await page.ask('loginRoom', room))[0].code, '2002');
      await carillon.emit({ to: { room }, event: 'said', args: [1, 'text'] });
      await page.event('said', (n) => n === 1);
      const letIn = away(page);
      await carillon.emit({ to: { room }, event: 'said', args: [2, 'text'] });
      await carillon.emit({ event: 'other', args: [transport] });
      await carillon.emit({ to: { room }, event: 'said', args: [3, 'text'] });
      await carillon.emit({ to: { room }, event: 'said', args: [4], volatile: true });
      letIn();
      await isRecovered(page);
      await carillon.emit({ to: { room }, event: 'said', args: [5, 'text'] });
      await page.event('said', (n) => n === 5);
      assert.deepEqual(heard(page, 'said'), [1, 2, 3, 5].map((n) => [n, 'text']));
      assert.equal(heard(page, 'other').filter(([name]) => name === transport).length, 1);
      assert.deepEqual((await carillon.sockets(`?room=${room}`)).map(({ id }) => id), [page.id]);
    });

    it(`by ${transport} on /notice has the ends it missed, and the newest of what goes on`, async (test) => {
      const user = `u-${transport}`;
      await carillon.handIn([complete(user, 'before')]);
      const page = await pageOf(test, carillon.url, { transport, namespace: '/notice', auth: { user } });
      await page.notice('before', 'file.complete');
      const letIn = away(page);
      await carillon.handIn([complete(user, 'one'), progress(user, 'two', 10)]);
      await carillon.handIn([complete(user, 'three')]);
      letIn();
      await isRecovered(page);
      await carillon.handIn([complete(user, 'after')]);
      await page.notice('after', 'file.complete');
      const order = page.heard.filter(({ name }) => name.startsWith('file.')).map(({ args }) => args[0].identity);
      assert.deepEqual(order, ['before', 'one', 'two', 'three', 'after']);
      assert.equal(typeof page.named('file.complete')[0].args[2], 'string', 'the offset is the last of three arguments');
    });
  }

  it('has bytes again, the offset behind them', async (test) => {
    const page = await pageOf(test, carillon.url);
    await page.ask('loginRoom', 'bytes');
    const letIn = away(page);
    await carillon.emit({ to: { room: 'bytes' }, event: 'said', binary: true, data: { $binary: 'AAEC' } });
    letIn();
    await isRecovered(page);
    await page.event('said');
    assert.deepEqual([...heard(page, 'said')[0][0]], [0, 1, 2]);
  });

  it('that had heard nothing yet is recovered all the same, again and again', async (test) => {
    const page = await pageOf(test, carillon.url, { namespace: '/notice', auth: { user: 'quiet' } });
    for (let n = 1; n <= 3; n += 1) {
      page.manager.engine.close();
      await until('it to be back', () => page.connects.length === n + 1 && page.isConnected);
    }
    assert.deepEqual(page.connects.map(({ recovered }) => recovered), [false, true, true, true]);
    assert.equal(new Set(page.connects.map(({ id }) => id)).size, 1);
  });

  it('comes back before its node knows that it was gone, and is there once', async (test) => {
    const page = await pageOf(test, carillon.url, { namespace: '/notice', auth: { user: 'fast' } });
    const { pid } = sessionOf(page);
    const twin = await pageOf(test, carillon.url, { namespace: '/notice', auth: { user: 'fast', pid } });
    assert.equal(twin.id, page.connects[0].id);
    await until('the old connection to be gone', () => page.count('disconnect') > 0);
    page.manager.reconnection(false);
    assert.equal((await carillon.sockets('?user=fast')).length, 1);
  });

  it('by its own wish is no more than a newcomer', async (test) => {
    const page = await pageOf(test, carillon.url);
    page.socket.disconnect();
    page.socket.connect();
    await isNew(page);
  });

  it('that a backend put out is no more than a newcomer', async (test) => {
    const page = await pageOf(test, carillon.url);
    await carillon.post('/v1/sockets/disconnect', { socket: page.id });
    await page.event('disconnect');
    page.socket.connect();
    await isNew(page);
  });

  it('does not get what it was not meant to hear', async (test) => {
    const page = await pageOf(test, carillon.url);
    await page.ask('loginRoom', 'meant');
    await page.ask('loginRoom', 'left');
    await page.ask('leaveRoom', 'left');
    const letIn = away(page);
    await carillon.emit({ to: { room: 'meant' }, except: { sockets: [page.connects[0].id] }, event: 'said', args: [1] });
    await carillon.emit({ to: { room: 'left' }, event: 'said', args: [2] });
    await carillon.emit({ to: { rooms: ['left', 'never joined'] }, event: 'said', args: ['of others'] });
    await carillon.emit({ to: { rooms: ['meant', 'left'] }, event: 'said', args: [3] });
    letIn();
    await isRecovered(page);
    await carillon.emit({ to: { room: 'meant' }, event: 'said', args: [4] });
    await page.event('said', (n) => n === 4);
    assert.deepEqual(heard(page, 'said'), [[3], [4]]);
  });

  it('whose room somebody else took alone is no more than a newcomer', async (test) => {
    const page = await pageOf(test, carillon.url);
    await page.ask('loginRoom', 'taken', 'loginWhenFirst');
    const letIn = away(page);
    const other = await pageOf(test, carillon.url);
    await until('the room to be free', async () => (await other.ask('loginRoom', 'taken', 'loginWhenFirst'))[0].code === '2002');
    letIn();
    await isNew(page);
    assert.equal(await carillon.count('carillon_recoveries_total', '"not_joined"'), 1);
  });

  it("has nothing of another user's seat, whose key it knows", async (test) => {
    const page = await pageOf(test, carillon.url, { namespace: '/notice', auth: { user: 'owner' } });
    const { pid } = sessionOf(page);
    const thief = await pageOf(test, carillon.url, { namespace: '/notice', auth: { user: 'thief', pid, offset: '' } });
    assert.notEqual(thief.id, page.id);
    assert.notEqual(sessionOf(thief).pid, pid);
    assert.ok(page.isConnected);
    assert.equal(await carillon.count('carillon_recoveries_total', '"other_user"'), 1);
  });

  for (const pid of ['x', 'made-up-by-somebody-else', 7, { a: 1 }, null]) {
    it(`with the made-up key ${JSON.stringify(pid)} is a newcomer`, async (test) => {
      const page = await pageOf(test, carillon.url, { auth: { pid, offset: 'abc-1' } });
      assert.ok(!page.connects[0].recovered);
      assert.match(sessionOf(page).pid, /^[\w-]{24}$/);
    });
  }

  for (const generation of ['1.4', '1.7', '2.5']) {
    it(`of ${generation} gets nothing behind its arguments`, async (test) => {
      const page = open({ generation, url: carillon.url }, (end) => test.after(end)).listen('said');
      await page.connected();
      await page.ask('loginRoom', `old-${generation}`);
      await carillon.emit({ to: { room: `old-${generation}` }, event: 'said', args: [1] });
      assert.deepEqual((await page.event('said')).args, [1]);
    });
  }

  it('of 3.1 gets one argument more, and comes back as ever', async (test) => {
    const page = open({ generation: '3.1', url: carillon.url, namespace: '/notice', auth: { user: 'three' } }, (end) => test.after(end));
    await page.connected();
    const { id } = page;
    await carillon.handIn([complete('three', 'one')]);
    assert.equal((await page.event('file.complete')).args.length, 3);
    page.manager.engine.close();
    await until('it to be back', () => page.isConnected && page.id !== id);
    await page.event('file.complete', (data, meta) => meta.replayed);
  });
});

/** What a stock client keeps of its session. */
const sessionOf = ({ socket }) => ({ pid: socket._pid, offset: socket._lastOffset });

describe('a client of several nodes', () => {
  before(() => redis.start());
  after(() => redis.stop());

  async function nodes(test, settings = {}) {
    const all = [0, 1].map(() => new Carillon({
      settings: { CARILLON_REDIS__URL: redis.ownUrl, CARILLON_DRAIN__GRACE: '8s', CARILLON_LEASES__NODE: '3s', ...native, ...settings },
    }));
    test.after(() => Promise.all(all.map((node) => node.stop())));
    await Promise.all(all.map((node) => node.start()));
    return all;
  }

  /** Pages by each transport, in a room of `/` and as users on `/notice`. */
  async function pagesOf(test, going, staying) {
    const front = await balancer([going], (end) => test.after(end));
    const pages = await Promise.all(Object.keys(TRANSPORTS).flatMap((transport) => [
      pageOf(test, front.url, { transport }),
      pageOf(test, front.url, { transport, namespace: '/notice', auth: { user: 'two' } }),
    ]));
    // A node that has just started does not know at once who is in.
    const isIn = async (page) => (await page.ask('loginRoom', 'hall', 'loginWhenever'))[0].code === '2002';
    for (const page of pages.filter(({ namespace }) => namespace === '/')) await until(`${page} to be in`, () => isIn(page));
    await say(staying, 1);
    await Promise.all(pages.map((page) => page.event('said', (n) => n === 1)));
    front.serve([staying]);
    return pages;
  }

  const say = async (node, n) => {
    await node.emit({ to: { room: 'hall' }, event: 'said', args: [n] });
    await node.emit({ to: { user: 'two' }, namespace: '/notice', event: 'said', args: [n] });
  };

  async function haveAll(pages, staying) {
    await Promise.all(pages.map(isRecovered));
    await say(staying, 4);
    await Promise.all(pages.map((page) => page.event('said', (n) => n === 4)));
    for (const page of pages) assert.deepEqual(heard(page, 'said'), [[1], [2], [3], [4]], `${page}`);
  }

  it('whose node was killed has its seat and all it missed at another', async (test) => {
    const [dead, staying] = await nodes(test);
    const pages = await pagesOf(test, dead, staying);
    process.kill(dead.pid, 'SIGKILL');
    await say(staying, 2);
    await say(staying, 3);
    await haveAll(pages, staying);
    for (const page of pages) {
      await staying.emit({ to: { socket: page.id }, namespace: page.namespace, event: 'other', args: ['you'] });
      await page.event('other');
    }
  });

  it('whose node was stopped in order has its seat and all it missed at another', async (test) => {
    const [going, staying] = await nodes(test);
    const pages = await pagesOf(test, going, staying);
    const code = going.stop();
    await say(staying, 2);
    await say(staying, 3);
    await haveAll(pages, staying);
    assert.equal(await code, 0);
  });

  it('is found by its id from every node, wherever it sits now', async (test) => {
    const [first, second] = await nodes(test);
    const front = await balancer([first], (end) => test.after(end));
    const page = await pageOf(test, front.url);
    front.serve([second]);
    page.manager.engine.close();
    await isRecovered(page);
    for (const node of [first, second]) {
      await node.emit({ to: { socket: page.id }, event: 'said', args: [1] });
      assert.equal((await node.post('/v1/sockets/join', { socket: page.id, rooms: ['joined'] })).status, 200);
    }
    await until('both to have come', () => page.count('said') === 2);
    assert.equal((await first.post('/v1/emit', { to: { socket: 'nobody' }, event: 'said' })).status, 404);
  });

  it('that the store has forgotten is told so, and what it missed by the road of all', async (test) => {
    const [first, second] = await nodes(test);
    const front = await balancer([first], (end) => test.after(end));
    const page = await pageOf(test, front.url, { namespace: '/notice', auth: { user: 'forgotten' } });
    await second.handIn([complete('forgotten', 'one')]);
    await page.notice('one', 'file.complete');
    front.serve([second]);
    process.kill(first.pid, 'SIGKILL');
    await redis.ask('DEL', `carillon:seat:${sessionOf(page).pid}`);
    await second.handIn([complete('forgotten', 'two')]);
    await isNew(page);
    await page.notice('two', 'file.complete');
    assert.equal(await second.count('carillon_recoveries_total', '"unknown"'), 1);
  });
});

describe('a client with a token', () => {
  const carillon = node({ settings: { ...native, CARILLON_AUTH__MODE: 'token', CARILLON_AUTH__KEY: KEY } });
  const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');

  function token(claims) {
    const exp = Math.floor(Date.now() / 1000) + 60;
    const signed = `${part({ alg: 'HS256', typ: 'JWT' })}.${part({ exp, ...claims })}`;
    return `${signed}.${createHmac('sha256', KEY).update(signed).digest('base64url')}`;
  }

  it('shows it again and is recovered, or another and is not', async (test) => {
    const auth = { token: token({ sub: '5', rooms: ['a'] }), room: 'a' };
    const page = await pageOf(test, carillon.url, { auth });
    page.manager.engine.close();
    await isRecovered(page);
    const narrower = await pageOf(test, carillon.url, { auth });
    narrower.socket.auth = { token: token({ sub: '5' }) };
    narrower.manager.engine.close();
    await isNew(narrower);
    assert.equal(await carillon.count('carillon_recoveries_total', '"not_granted"'), 1);
  });

  it('that was revoked is refused, whatever key it has', async (test) => {
    const page = await pageOf(test, carillon.url, { auth: { token: token({ sub: '6', jti: 'a', iat: Math.floor(Date.now() / 1000) - 5 }) } });
    const letIn = away(page);
    assert.equal((await carillon.post('/v1/revocations', { token: 'a' })).status < 300, true);
    letIn();
    await page.event('connect_error');
    assert.equal(page.connects.length, 1);
  });
});
