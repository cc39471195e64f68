// A node goes while others stay: its pages hear of it, come back elsewhere by themselves, and miss no end.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, describe, it } from 'node:test';
import { Redis } from '../workers/redis.mjs';
import { balancer } from './balancer.mjs';
import { Carillon } from './carillon.mjs';
import { PAIRS, departure, open } from './generations.mjs';
import { complete } from './messages.mjs';
import { RawPolling, RawSocket } from './raw.mjs';
import { until, within } from './until.mjs';

const redis = new Redis();

async function nodes(test, count, settings = {}) {
  const all = Array.from({ length: count }, () => new Carillon({
    settings: { CARILLON_REDIS__URL: redis.ownUrl, CARILLON_DRAIN__GRACE: '8s', ...settings },
  }));
  test.after(() => Promise.all(all.map((node) => node.stop())));
  await Promise.all(all.map((node) => node.start()));
  return all;
}

const pagesOf = (url, test, user) => PAIRS.map((pair) =>
  open({ ...pair, namespace: '/notice', query: `user=${user}`, url }, (end) => test.after(end)));

/** A worker that hands in one end after the other by the node that stays, until told to stop. */
function worker(node, user) {
  const identities = [];
  let isOver = false;
  const working = (async () => {
    while (!isOver) {
      const identity = `task${identities.length}`;
      await node.handIn([complete(user, identity)]);
      identities.push(identity);
      await new Promise((wake) => setTimeout(wake, 20));
    }
  })();
  return async () => {
    isOver = true;
    await working;
    return identities;
  };
}

describe('a node that goes', () => {
  before(() => redis.start());
  after(() => redis.stop());

  it('sends every page elsewhere without the loss of an end, and leaves with 0 within its grace', async (test) => {
    const [going, staying] = await nodes(test, 2);
    const front = await balancer([going], (end) => test.after(end));
    const pages = pagesOf(front.url, test, 5);
    await Promise.all(pages.map((page) => page.connected()));
    const finish = worker(staying, 5);
    front.serve([going, staying]);

    const begin = performance.now();
    const code = within('the node to leave', going.stop());
    await Promise.all(pages.map((page) => until(() => `${page} to be cut, which heard ${page.story()}`,
      () => page.count('disconnect') > 0)));
    assert.equal(await code, 0);
    assert.ok(performance.now() - begin < 8_000);
    await Promise.all(pages.map((page) => page.seated()));
    const ends = await finish();
    for (const page of pages) {
      const told = page.named(departure(page.generation));
      assert.equal(told[0]?.args[0].reason, 'drain', `${page}: ${page.story()} ${front.failed}`);
      assert.match(page.named('disconnect')[0].args[0], /^transport (close|error)$/);
      await until(() => `${page} to have all ${ends.length} ends`, () => missing(page, ends).length === 0);
    }
    assert.equal((await seatsOn(staying)).length, pages.length);
  });

  it('stays until those who went last are with another', async (test) => {
    const [going, staying] = await nodes(test, 2);
    const front = await balancer([going], (end) => test.after(end));
    const pages = pagesOf(front.url, test, 9);
    await Promise.all(pages.map((page) => page.connected()));
    front.serve([staying]);
    assert.equal(await within('the node to leave', going.stop()), 0);
    assert.equal((await seatsOn(staying)).length, pages.length);
  });

  it('is unready first, then turns newcomers away while it goes on with those it has', async (test) => {
    const [going] = await nodes(test, 2, { CARILLON_DRAIN__DELAY: '2s', CARILLON_DRAIN__READY_STATUS: '404' });
    const page = open({ generation: '4.8', namespace: '/notice', query: 'user=6', url: going.url }, (end) => test.after(end));
    await page.connected();
    const stopped = going.stop();
    await until('readyz to say no', async () => (await fetch(`${going.internal}/readyz`)).status === 404);
    const late = open({ generation: '4.8', namespace: '/notice', query: 'user=6', url: going.url }, (end) => test.after(end));
    await late.connected();
    assert.equal(page.count('departing'), 0);
    await page.event('departing');
    assert.equal(await stopped, 0);
  });

  it('answers newcomers with 503 and when to come again', async (test) => {
    const [going] = await nodes(test, 2);
    // It does not read, so that the node waits for it.
    const page = open({ generation: '4.8', transport: 'polling', namespace: '/notice', query: 'user=7', url: going.url }, (end) => test.after(end));
    await page.connected();
    page.manager.engine.transport.poll = () => {};
    const stopped = going.stop();
    const answer = await until('a newcomer to be turned away', async () => {
      const answer = await fetch(`${going.url}/socket.io/?EIO=4&transport=polling`).catch(() => null);
      return answer?.status === 503 && answer;
    });
    assert.ok(Number(answer.headers.get('retry-after')) >= 1);
    assert.equal(await stopped, 0);
  });
});

describe('a node that the sockets of others go through', () => {
  before(() => redis.start());
  after(() => redis.stop());

  it('cuts none in the midst of its upgrade, which its client would not see', async (test) => {
    const [going, staying] = await nodes(test, 2);
    // By a node that is not theirs.
    const probe = async () => {
      const polling = await RawPolling.enter(staying.url, { namespace: '/notice', user: '8' });
      const address = `${going.url.replace('http', 'ws')}/socket.io/?EIO=4&transport=websocket&sid=${polling.sid}`;
      const raw = new RawSocket(address);
      test.after(() => raw.close());
      await once(raw.socket, 'open');
      raw.send('2probe');
      await raw.frame((text) => text === '3probe');
      return raw;
    };
    const [upgraded, probing] = await Promise.all([probe(), probe()]);
    upgraded.send('5');
    await until('one to have gone over', async () =>
      (await staying.sockets('?user=8')).filter(({ transport }) => transport === 'websocket').length === 1);

    const stopped = going.stop();
    await upgraded.closed();
    // All are told in one turn, so this one would be cut by now.
    await staying.sockets();
    assert.ok(!probing.isClosed);
    probing.send('5');
    await probing.closed();
    assert.equal(await within('the node to leave', stopped), 0);
  });
});

describe('a rolling restart of three nodes without stickiness', () => {
  before(() => redis.start());
  after(() => redis.stop());

  it('costs no page an end', async (test) => {
    let serving = await nodes(test, 3);
    const front = await balancer(serving, (end) => test.after(end));
    const pages = [...pagesOf(front.url, test, 5), ...pagesOf(front.url, test, 5)];
    await Promise.all(pages.map((page) => page.connected()));
    const finish = worker({ handIn: (messages) => serving.at(-1).handIn(messages) }, 5);
    for (let n = 0; n < 3; n += 1) {
      const [fresh] = await nodes(test, 1);
      const [going, ...staying] = serving;
      front.serve([...serving, fresh]);
      serving = [...staying, fresh];
      assert.equal(await within('the node to leave', going.stop()), 0);
      front.serve(serving);
    }
    await Promise.all(pages.map((page) => page.seated()));
    const ends = await finish();
    await Promise.all(pages.map((page) => until(
      () => `${page} to have all ${ends.length} ends, not to miss ${missing(page, ends)}`,
      () => missing(page, ends).length === 0)));
    for (const page of pages) assert.equal(page.count('notice.gap'), 0);
  });
});

describe('an operator', () => {
  before(() => redis.start());
  after(() => redis.stop());

  it('empties any node through any node, which stays and takes nobody', async (test) => {
    const [one, other] = await nodes(test, 2);
    const front = await balancer([one, other], (end) => test.after(end));
    front.serve([one]);
    const pages = pagesOf(front.url, test, 5);
    await Promise.all(pages.map((page) => page.connected()));
    front.serve([one, other]);
    const { nodes: listed } = await one.get('/v1/nodes');
    const { node } = listed.find((listed) => listed.this);

    const { status, body } = await other.post(`/v1/nodes/${node}/drain`, { over: '3s' });
    assert.deepEqual({ status, body }, { status: 200, body: { node, sockets: pages.length } });
    assert.equal((await fetch(`${one.internal}/readyz`)).status, 503);
    await Promise.all(pages.map((page) => page.event(departure(page.generation))));
    await until('all pages to sit on the other node', async () => (await seatsOn(other)).length === pages.length);
    assert.deepEqual(await seatsOn(one), []);
    assert.equal(await one.count('carillon_draining'), 1);
    await until('the other node to know', async () =>
      (await other.get('/v1/nodes')).nodes.find((listed) => listed.node === node).draining);
    assert.match(other.log, /"deed":"drain"/);
  });

  it('has a full node shed what is above the mean', async (test) => {
    const [one, other] = await nodes(test, 2);
    const front = await balancer([one, other], (end) => test.after(end));
    front.serve([one]);
    const pages = pagesOf(front.url, test, 5);
    await Promise.all(pages.map((page) => page.connected()));
    front.serve([other]);
    await until('the others to know', async () =>
      (await other.get('/v1/nodes')).nodes.some((node) => node.sockets === pages.length));
    const { status, body } = await other.post('/v1/nodes/rebalance', { over: '1s' });
    assert.equal(status, 200);
    const moved = pages.filter((page) => page.count('disconnect') > 0).map((page) => `${page} ${page.story()}`);
    assert.equal(body.mean, 8, `${JSON.stringify(body)} ${moved} ${front.failed}`);
    assert.deepEqual(body.nodes.map(({ sockets }) => sockets), [7]);
    const shares = async () => [(await seatsOn(one)).length, (await seatsOn(other)).length];
    let last;
    await until(() => `equal shares, not ${last}; ${front.failed}`, async () => `${last = await shares()}` === '8,7');
  });

  it('bounds how long a socket stays', async (test) => {
    const [one] = await nodes(test, 1, { CARILLON_LIMITS__MAX_AGE: '1s' });
    const pages = pagesOf(one.url, test, 5);
    await Promise.all(pages.map((page) => page.event(departure(page.generation),
      ({ reason }) => reason === 'max_age')));
    await Promise.all(pages.map((page) => until(() => `${page} to be back`, () => page.count('connect') > 1)));
  });
});

/** Clients of Engine.IO 3 sit in `/` too, so only one namespace is counted. */
const seatsOn = (node) => node.sockets('?scope=local&namespace=/notice');

const missing = (page, ends) => {
  const has = new Set(page.named('file.complete').map(({ args: [data] }) => data.identity));
  return ends.filter((identity) => !has.has(identity));
};
