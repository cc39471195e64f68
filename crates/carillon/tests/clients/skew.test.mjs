// Nodes of two releases on one Redis. The newer one is played: a relay between it and Redis gives all that it writes there
// another version, and lets it read both, as a release after this one would.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, connect } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { Redis } from '../workers/redis.mjs';
import { Carillon } from './carillon.mjs';
import { open } from './generations.mjs';
import { complete } from './messages.mjs';
import { until } from './until.mjs';

const NOW = '{"v":1,';
/** As long as the one of now, so that what Redis counts stays right. */
const NEXT = '{"v":9,';

/** A way to Redis for nodes of the next release. */
class Future {
  #server;
  #sockets = new Set();

  async open(port) {
    this.#server = createServer((near) => {
      const far = connect(port, '127.0.0.1');
      this.#join(near, far, (bytes) => exchanged(bytes, NOW, NEXT));
      this.#join(far, near, (bytes) => exchanged(bytes, NEXT, NOW));
    });
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
  }

  get url() {
    return `redis://127.0.0.1:${this.#server.address().port}`;
  }

  async close() {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((done) => this.#server.close(done));
  }

  #join(from, to, through) {
    this.#sockets.add(from);
    // What may be the beginning of a version waits for what follows.
    let rest = Buffer.alloc(0);
    from.on('data', (bytes) => {
      const all = through(Buffer.concat([rest, bytes]));
      const held = heldBack(all);
      rest = all.subarray(all.length - held);
      to.write(all.subarray(0, all.length - held));
    });
    from.on('error', () => {});
    from.on('close', () => to.destroy());
  }
}

function exchanged(bytes, was, is) {
  for (let at = bytes.indexOf(was); at !== -1; at = bytes.indexOf(was, at)) bytes.write(is, at);
  return bytes;
}

/** How many bytes at the end are as a version begins. */
function heldBack(bytes) {
  for (let length = Math.min(NOW.length - 1, bytes.length); length > 0; length -= 1) {
    const end = bytes.subarray(bytes.length - length).toString('latin1');
    if (NOW.startsWith(end) || NEXT.startsWith(end)) return length;
  }
  return 0;
}

describe('nodes of two releases on one Redis', () => {
  const redis = new Redis();
  const future = new Future();
  let [old, next] = [];
  before(async () => {
    await redis.start();
    await future.open(redis.port);
    old = new Carillon({ settings: { CARILLON_REDIS__URL: redis.ownUrl } });
    next = new Carillon({ settings: { CARILLON_REDIS__URL: future.url } });
    await Promise.all([old.start(), next.start()]);
  });
  after(async () => {
    await Promise.all([old.stop(), next.stop()]);
    await future.close();
    await redis.stop();
  });

  const pageOf = (node, user, test) =>
    open({ generation: '4.8', namespace: '/notice', query: `user=${user}`, url: node.url }, (end) => test.after(end)).connected();
  const leftOut = () => old.count('carillon_bus_unreadable_total');

  it('hear of each other what both can read', async (test) => {
    const pages = [await pageOf(old, 1, test), await pageOf(next, 1, test)];
    await old.handIn([complete(1, 'of-old')]);
    for (const page of pages) await page.notice('of-old', 'file.complete');
  });

  it('leave out what only the newer one can read, count it, say it, and go on', async (test) => {
    const [behind, ahead] = [await pageOf(old, 2, test), await pageOf(next, 2, test)];
    const before = await leftOut();
    await next.handIn([complete(2, 'of-next')]);
    await ahead.notice('of-next', 'file.complete');
    await until('the older node to count it', async () => (await leftOut()) > before);
    assert.match(old.log, /WARN.*left out an envelope that cannot be read.*version 9, and 1 and 2 are known/);
    await old.handIn([complete(2, 'after')]);
    for (const page of [behind, ahead]) await page.notice('after', 'file.complete');
    assert.deepEqual(behind.notices('of-next'), []);
    assert.equal(behind.count('disconnect'), 0);
  });

  it('name who did not understand what they asked', async (test) => {
    await pageOf(old, 4, test);
    await pageOf(next, 4, test);
    for (const asked of [old, next]) {
      const { sockets, missing } = await asked.get('/v1/sockets?user=4');
      assert.deepEqual([sockets.length, missing.length], [1, 1]);
      assert.notEqual(sockets[0].node, missing[0]);
    }
    assert.ok(await old.count('carillon_signals_dropped_total', 'unreadable') > 0);
  });

  it('lose no end: a page has it as soon as its node is of the newer release', async (test) => {
    const page = await pageOf(old, 3, test);
    const before = await leftOut();
    await next.handIn([complete(3, 'late')]);
    await until('the older node to count it', async () => (await leftOut()) > before);
    const ports = [old.publicPort, old.internalPort];
    await old.stop();
    old = new Carillon({ settings: { CARILLON_REDIS__URL: future.url }, ports });
    await old.start();
    await page.notice('late', 'file.complete');
  });
});
