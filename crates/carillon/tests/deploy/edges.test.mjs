// Three nodes behind each proxy that we ship a file for: clients of all generations connect through it, poll with
// stickiness, and lose no end while one node after the other is replaced.

import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { Carillon } from '../clients/carillon.mjs';
import { freePorts } from '../clients/ports.mjs';
import { PAIRS, open } from '../clients/generations.mjs';
import { complete } from '../clients/messages.mjs';
import { until } from '../clients/until.mjs';
import { Redis } from '../workers/redis.mjs';
import { EDGES, Edge } from './edges.mjs';

const NODES = 3;

for (const [name, { program, cookie }] of Object.entries(EDGES)) {
  describe(`behind ${name}`, { skip: program ? false : `NOT TESTED, ${name} is not here` }, () => {
    const redis = new Redis();
    const edge = new Edge(name);
    let nodes = [];

    before(async () => {
      await redis.start();
      const free = await freePorts(2 * NODES);
      const ports = Array.from({ length: NODES }, (_, index) => free.slice(2 * index, 2 * index + 2));
      const settings = { CARILLON_REDIS__URL: redis.ownUrl, CARILLON_DRAIN__GRACE: '8s',
        CARILLON_DRAIN__DELAY: '2s', CARILLON_DRAIN__READY_STATUS: '404' };
      nodes = ports.map((pair) => new Carillon({ ports: pair, settings }));
      await Promise.all(nodes.map((node) => node.start()));
      await edge.start(ports);
    });
    afterEach((test) => test.passed === false && nodes.forEach((node) => node.tell(test.name)));
    after(async () => {
      await edge.stop();
      await Promise.all(nodes.map((node) => node.stop()));
      await redis.stop();
    });

    /** A page, with a cookie as a browser would keep it: Node's clients keep none. */
    function enter(test, { generation, transport }, user) {
      const options = { extraHeaders: { cookie: cookie(user) }, reconnectionDelay: 200 };
      return open({ generation, transport, namespace: '/notice', query: `user=${user}`, url: edge.url, options },
        (end) => test.after(end));
    }

    for (const [index, pair] of PAIRS.entries()) {
      it(`${pair.generation} by ${pair.transport} hears of its task`, async (test) => {
        const user = 100 + index;
        const page = await enter(test, pair, user).connected();
        await nodes[index % NODES].handIn(complete(user, `task-${user}`));
        await page.notice(`task-${user}`, 'file.complete');
        await until('a seat', async () => (await nodes[0].sockets(`?user=${user}&namespace=/notice`)).length === 1);
      });
    }

    it('the three of them share the clients', async (test) => {
      await Promise.all(PAIRS.map((pair, index) => enter(test, pair, 300 + index).connected()));
      for (const node of nodes) {
        assert.ok(await node.count('carillon_handshakes_total', 'outcome="seated"') > 0, node.url);
      }
    });

    it('every page hears every end while one node after the other is replaced', async (test) => {
      const users = PAIRS.map((_, index) => 500 + index);
      const pages = PAIRS.map((pair, index) => enter(test, pair, users[index]));
      await Promise.all(pages.map((page) => page.connected()));
      for (const [round, node] of nodes.entries()) {
        const other = nodes[(round + 1) % NODES];
        const gone = node.stop();
        await other.handIn(users.map((user) => complete(user, `during-${round}-${user}`)));
        assert.equal(await gone, 0);
        await other.handIn(users.map((user) => complete(user, `without-${round}-${user}`)));
        await node.start();
        await Promise.all(pages.map((page, index) => Promise.all(['during', 'without'].map((when) =>
          page.notice(`${when}-${round}-${users[index]}`, 'file.complete', () => true, 20_000)))));
        await Promise.all(pages.map((page) => until(() => `${page} to be back: ${page.story()}`, () => page.isConnected, 20_000)));
      }
    });
  });
}
