// What a backend's emit becomes at each generation and transport: bytes, several arguments, rooms named
// twice, sockets left out, and what is volatile.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { node } from './carillon.mjs';
import { PAIRS, open } from './generations.mjs';

const carillon = node();
const FIRST = Buffer.from([0, 1, 2, 0xff, 0x0a, 0x1e]);
const SECOND = Buffer.from('ütf-8 ✓');
const asBinary = (bytes) => ({ $binary: bytes.toString('base64') });
const asText = (bytes) => Buffer.from(bytes).toString('base64');

/** Every pair, and polling in base64, which Engine.IO 3 clients may ask for and browsers of old do. */
const WAYS = [
  ...PAIRS,
  ...['1.4', '1.7', '2.5', '3.1', '4.8'].map((generation) =>
    ({ generation, transport: 'polling', options: { forceBase64: true } })),
];

describe('an emit', { concurrency: 4 }, () => {
  let user = 700;
  for (const { generation, transport, options } of WAYS) {
    const as = `${generation} by ${transport}${options ? ' in base64' : ''}`;
    for (const namespace of ['/', '/notice']) {
      const query = `user=${user += 1}`;
      const to = { user };
      it(`${as} on ${namespace} gets bytes deep in several arguments`, async (test) => {
        const ends = (end) => test.after(end);
        const page = open({ generation, transport, namespace, query, options, url: carillon.url }, ends);
        page.listen('bytes', 'after');
        await page.connected();
        const args = [
          { list: [asBinary(FIRST), { name: '测试', inner: { bytes: asBinary(SECOND) } }] },
          'text', asBinary(Buffer.alloc(0)), null, [],
        ];
        await carillon.emit({ to, namespace, event: 'bytes', args, binary: true });
        await carillon.emit({ to, namespace, event: 'after', args: [1, { two: [] }] });
        const { args: [first, text, empty, nothing, list] } = await page.event('bytes');
        assert.equal(asText(first.list[0]), asText(FIRST));
        assert.equal(first.list[1].name, '测试');
        assert.equal(asText(first.list[1].inner.bytes), asText(SECOND));
        assert.equal(empty.byteLength ?? empty.length, 0);
        assert.deepEqual([text, nothing, list], ['text', null, []]);
        assert.deepEqual((await page.event('after')).args, [1, { two: [] }]);
      });
    }
  }

  for (const { generation, transport } of PAIRS) {
    const [left, quiet] = [user += 1, user += 1];
    it(`${generation} by ${transport} answers a question with bytes in it`, async (test) => {
      const ends = (end) => test.after(end);
      const page = open({ generation, transport, query: 'user=699', url: carillon.url }, ends);
      page.socket.on('how.long', (bytes, reply) => reply(bytes.byteLength ?? bytes.length));
      await page.connected();
      const answer = await carillon.emit({
        to: { socket: page.id }, event: 'how.long', data: asBinary(FIRST), binary: true,
        ack: { timeout: '10s' },
      });
      assert.deepEqual(answer.acks.map(({ data }) => data), [FIRST.length]);
    });

    it(`${generation} by ${transport} is left out by the id that it knows`, async (test) => {
      const ends = (end) => test.after(end);
      const namespace = '/notice';
      const both = { to: { user: left }, namespace };
      const query = `user=${left}`;
      const options = { generation, transport, namespace, query, url: carillon.url };
      const [page, other] = [open(options, ends), open(options, ends)];
      for (const each of [page, other]) each.listen('flash', 'marker');
      await Promise.all([page.connected(), other.connected()]);
      await carillon.emit({ ...both, event: 'flash', except: { sockets: [page.id] } });
      await carillon.emit({ ...both, event: 'marker' });
      await Promise.all([page.event('marker'), other.event('marker')]);
      assert.deepEqual([page.count('flash'), other.count('flash')], [0, 1]);
    });

    it(`${generation} by ${transport} gets what is volatile when it is quiet`, async (test) => {
      const ends = (end) => test.after(end);
      const at = { namespace: '/notice', query: `user=${quiet}`, url: carillon.url };
      const page = open({ generation, transport, ...at }, ends);
      page.listen('flash');
      await page.connected();
      const flash = { to: { user: quiet }, namespace: '/notice', event: 'flash', volatile: true };
      // A page that polls has no poll on its way now and then; soon it does.
      while (page.count('flash') === 0) await carillon.emit({ ...flash, data: 1 });
      assert.deepEqual(page.named('flash')[0].args, [1]);
    });
  }

  it('past ten attachments, which newer clients do not take, is refused', async () => {
    const data = Array.from({ length: 11 }, () => asBinary(FIRST));
    const { status, body } = await carillon.post('/v1/emit', { event: 'e', data, binary: true });
    assert.deepEqual([status, body.error.code], [422, 'invalid']);
    assert.match(body.error.message, /10 attachments/);
  });
});
