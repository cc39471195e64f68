// The official bundle from npm as a node serves it, to a page that loads it as pages of Node's server do.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { browser } from './browser.mjs';
import { Carillon, node } from './carillon.mjs';
import { freePorts } from './ports.mjs';

const BUNDLE = fileURLToPath(new URL('./node_modules/socket.io-client-4.8/dist/socket.io.min.js', import.meta.url));
const chrome = browser();

describe('public.serve_client', () => {
  let carillon, web, origin;

  before(async () => {
    const [port] = await freePorts(1);
    origin = `http://127.0.0.1:${port}`;
    carillon = new Carillon({
      settings: {
        CARILLON_PUBLIC__SERVE_CLIENT: BUNDLE,
        CARILLON_PUBLIC__PATH: '/push/',
        CARILLON_PUBLIC__ORIGINS: origin,
      },
    });
    await carillon.start();
    web = createServer((_, answer) => answer.setHeader('content-type', 'text/html').end(
      '<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,">'
      + `<script src="${carillon.url}/push/socket.io.js"></script>`)).listen(port, '127.0.0.1');
    await once(web, 'listening');
  });
  after(async () => {
    web.close();
    web.closeAllConnections();
    await carillon.stop();
  });

  const get = (name, options) => fetch(`${carillon.url}/push/${name}`, options);

  it('gives a page in Chromium a client that connects', async () => {
    const page = await chrome.visit(origin);
    const told = await page.evaluate(`new Promise((done) =>
      io('${carillon.url}', { path: '/push/' }).on('downmsg', ({ code }) => done([code, typeof io.Manager])))`);
    assert.deepEqual(told, ['2001', 'function']);
    assert.deepEqual(page.complaints, []);
    await page.close();
  });

  for (const name of ['socket.io.js', 'socket.io.min.js']) {
    it(`serves the file as ${name}, and its map beside it`, async () => {
      const script = await get(name);
      assert.equal(script.headers.get('content-type'), 'text/javascript; charset=utf-8');
      assert.equal(script.headers.get('cache-control'), 'no-cache');
      assert.equal(await script.text(), readFileSync(BUNDLE, 'utf8'));
      const map = await get(`${name}.map`);
      assert.equal(map.headers.get('content-type'), 'application/json');
      assert.equal(await map.text(), readFileSync(`${BUNDLE}.map`, 'utf8'));
    });
  }

  it('answers 304 to who has it, and the whole file to who has another', async () => {
    const tag = (await get('socket.io.js')).headers.get('etag');
    for (const known of [tag, `W/${tag}`, `"other", ${tag}`, '*']) {
      const answer = await get('socket.io.js', { headers: { 'if-none-match': known } });
      assert.equal(answer.status, 304, known);
      assert.equal(answer.headers.get('etag'), tag);
      assert.equal(await answer.text(), '');
    }
    assert.equal((await get('socket.io.js', { headers: { 'if-none-match': '"other"' } })).status, 200);
    assert.notEqual((await get('socket.io.js.map')).headers.get('etag'), tag);
  });

  it('answers HEAD with the length and no body, and POST with 405', async () => {
    const head = await get('socket.io.js', { method: 'HEAD' });
    assert.equal(head.status, 200);
    assert.equal(Number(head.headers.get('content-length')), readFileSync(BUNDLE).length);
    assert.equal(await head.text(), '');
    const post = await get('socket.io.js', { method: 'POST', body: 'x' });
    assert.equal(post.status, 405);
    assert.equal(post.headers.get('allow'), 'GET, HEAD');
  });

  it('is served under public.path only', async () => {
    assert.equal((await fetch(`${carillon.url}/socket.io/socket.io.js`)).status, 404);
  });

  it('lets /carillon.js be kept likewise', async () => {
    const module = await fetch(`${carillon.url}/carillon.js`);
    const tag = module.headers.get('etag');
    const again = await fetch(`${carillon.url}/carillon.js`, { headers: { 'if-none-match': tag } });
    assert.equal(again.status, 304);
  });
});

describe('without public.serve_client', () => {
  const carillon = node();

  it('the script is a 404 that says what to set', async () => {
    const answer = await fetch(`${carillon.url}/socket.io/socket.io.js`);
    assert.equal(answer.status, 404);
    assert.match(await answer.text(), /point public\.serve_client at dist\/socket\.io\.min\.js of the npm package/);
  });
});
