// What a worker wrote is what a page reads, byte for byte where the wire shows bytes: the four
// samples, and the same with a name in Chinese and an emoji, to every generation and transport.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { node } from './carillon.mjs';
import { PAIRS, open } from './generations.mjs';
import { HARD_NAME, SAMPLES, renamed } from './messages.mjs';
import { EventStream, PlainSocket } from './plain.mjs';
import { RawPolling, RawSocket } from './raw.mjs';

const USER = '5';

const carillon = node();

describe('from worker to page', () => {
  const pages = [];
  const ends = [];
  let sockets, polls, plains;

  before(async () => {
    const { url } = carillon;
    pages.push(...PAIRS.map(({ generation, transport }) =>
      open({ generation, transport, namespace: '/notice', query: `user=${USER}`, url }, (end) => ends.push(end))));
    const entry = { namespace: '/notice', user: USER };
    sockets = await Promise.all([3, 4].map((eio) => RawSocket.enter(url, { ...entry, eio })));
    polls = await Promise.all([3, 4].map((eio) => RawPolling.enter(url, { ...entry, eio })));
    const query = `namespace=/notice&user=${USER}`;
    plains = [await PlainSocket.open(url, query), await EventStream.open(url, query)];
    polls.forEach((polling) => polling.listen().catch(() => {}));
    ends.push(...[...sockets, ...polls, ...plains].map((wire) => () => wire.close()));
    await Promise.all(pages.map((page) => page.connected()));
  });
  after(() => ends.forEach((end) => end()));

  const variants = SAMPLES.flatMap((sample) => [
    sample,
    { ...sample, name: `${sample.name} of ${HARD_NAME}`, text: renamed(sample.text, `hard_${sample.name}`, HARD_NAME) },
    { ...sample, name: `${sample.name} of ${HARD_NAME} on one line`, text: onOneLine(sample) },
  ]);

  for (const { name, event, text } of variants) {
    it(`${name} arrives as it was written`, async () => {
      const data = JSON.parse(text);
      await carillon.handIn(text);
      await Promise.all(pages.map(async (page) => {
        const heard = await page.notice(data.identity, event);
        assert.equal(JSON.stringify(heard.data), JSON.stringify(data), String(page));
      }));
      const named = `["${event}",${text},`;
      await Promise.all([
        ...sockets.map((socket) => socket.frame((frame) => frame.startsWith(`42/notice,${named}`))),
        ...polls.map((polling) => polling.body((bytes) => bytes.includes(`42/notice,${named}`))),
        ...plains.map(async (plain) => {
          const { raw } = await plain.notice(data.identity, event);
          assert.ok(raw.includes(text), `${plain.constructor.name} sent ${raw.slice(0, 300)}`);
        }),
      ]);
    });
  }
});

describe('from page to server and back', { concurrency: 5 }, () => {
  const echo = node({ settings: { CARILLON_PUBLIC__CONFORMANCE: 'socket' } });
  const texts = [...SAMPLES.map(({ text }) => text), HARD_NAME];
  const bytes = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));

  for (const { generation, transport } of PAIRS) {
    it(`${generation} by ${transport} gets back text, objects and attachments as it sent them`, async (test) => {
      const page = open({ generation, transport, url: echo.url }, (end) => test.after(end));
      page.listen('message-back');
      await page.connected();
      for (const [at, text] of texts.entries()) {
        const args = [at, text, { text, in: [HARD_NAME, null, 1.5] }];
        page.socket.emit('message', ...args);
        assert.deepEqual((await page.event('message-back', (first) => first === at)).args, args);
        assert.deepEqual(await page.ask('message-with-ack', ...args), args);
      }
      const args = ['bytes', HARD_NAME, bytes, { file: bytes }];
      page.socket.emit('message', ...args);
      assert.deepEqual(plain((await page.event('message-back', (first) => first === 'bytes')).args), plain(args));
      assert.deepEqual(plain(await page.ask('message-with-ack', ...args)), plain(args));
    });
  }
});

function onOneLine({ name, text }) {
  return JSON.stringify(JSON.parse(renamed(text, `line_${name}`, HARD_NAME)));
}

/** Attachments as hexadecimal text, whether the client hands out a Buffer, an ArrayBuffer or a view. */
function plain(value) {
  if (value instanceof ArrayBuffer || ArrayBuffer.isView(value)) {
    return `bytes ${Buffer.from(value.buffer ?? value, value.byteOffset ?? 0, value.byteLength).toString('hex')}`;
  }
  if (Array.isArray(value)) return value.map(plain);
  if (value && typeof value === 'object') {
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plain(inner)]));
  }
  return value;
}
