// Browsers and proxies send a poll once more when its connection breaks before the answer has come, and the client
// never learns of it. What the lost answer held is in the next one.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { describe, it } from 'node:test';
import { node } from './carillon.mjs';
import { GENERATIONS, open } from './generations.mjs';
import { complete } from './messages.mjs';
import { RawPolling } from './raw.mjs';

const ENDS = 10;

const carillon = node();

/** A proxy that loses the first answer to every poll, and asks again. */
async function proxy(test) {
  const server = createServer(async (near, answer) => {
    const { method, url, headers: { cookie, 'content-type': type } } = near;
    const headers = { ...(cookie && { cookie }), ...(type && { 'content-type': type }) };
    const post = method === 'POST' ? { body: near, duplex: 'half' } : {};
    const ask = () => fetch(carillon.url + url, { method, headers, ...post });
    try {
      if (method === 'GET' && url.includes('sid=')) await (await ask()).arrayBuffer();
      const far = await ask();
      answer.writeHead(far.status, { 'content-type': far.headers.get('content-type') });
      answer.end(Buffer.from(await far.arrayBuffer()));
    } catch {
      answer.destroy();
    }
  });
  test.after(() => {
    server.closeAllConnections();
    server.close();
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return `http://127.0.0.1:${server.address().port}`;
}

describe('a poll that comes again', () => {
  for (const generation of GENERATIONS) {
    it(`brings a client of ${generation} what was lost, once and in order`, async (test) => {
      const url = await proxy(test);
      const before = await carillon.count('carillon_polls_repeated_total');
      const user = generation.replace('.', '');
      const page = open({ generation, url, transport: 'polling', namespace: '/notice', query: `user=${user}` },
        (end) => test.after(end));
      await page.connected();
      const ends = Array.from({ length: ENDS }, (_, n) => `task${n}`);
      for (const end of ends) {
        await carillon.handIn(complete(user, end));
        await page.notice(end, 'file.complete');
      }
      assert.deepEqual(page.named('file.complete').map(({ args: [{ identity }] }) => identity), ends);
      assert.equal(page.count('disconnect'), 0, page.story());
      assert.ok(await carillon.count('carillon_polls_repeated_total') >= before + ENDS);
    });
  }

  it('is one by its mark, which a client that marks every request alike does not have', async () => {
    const polling = await RawPolling.enter(carillon.url, { namespace: '/notice', user: '806', query: '&t=always' });
    for (const end of ['one', 'two']) {
      await carillon.handIn(complete(806, end));
      await polling.poll();
      assert.match(polling.bodies.at(-1).toString(), new RegExp(`"identity":"${end}"`));
    }
    polling.close();
  });
});
