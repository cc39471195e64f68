// The bundles of every generation in a browser, on a page of another origin. Unlike in Node, their
// polling is XHR 2 there, so Engine.IO 3 goes without base64. 1.2.1 is the oldest there is a note of.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, request } from 'node:http';
import { after, before, describe, it } from 'node:test';
import { browser } from './browser.mjs';
import { Carillon } from './carillon.mjs';
import { freePorts } from './ports.mjs';
import { TRANSPORTS, refusal } from './generations.mjs';
import { HARD_NAME, complete, progress } from './messages.mjs';
import { until } from './until.mjs';

const BUNDLES = {
  1.2: 'socket.io.js',
  1.4: 'socket.io.js',
  1.7: 'dist/socket.io.js',
  2.5: 'dist/socket.io.js',
  3.1: 'dist/socket.io.js',
  4.8: 'dist/socket.io.js',
};
const EVENTS = ['connect', 'disconnect', 'error', 'connect_error', 'downmsg', 'file.progress', 'file.complete',
  'message-back'];
const BYTES = [0, 1, 127, 128, 255];

/** Runs in the page: a socket whose events are kept in `heard`, errors by their text, bytes by value. */
const ENTER = `({ address, transports, events, options }) => {
  window.socket?.close();
  window.heard = [];
  window.socket = io(address, { transports, forceNew: true, ...options });
  const plain = (arg) => arg instanceof Error ? arg.message
    : arg instanceof ArrayBuffer ? Array.from(new Uint8Array(arg)) : arg;
  for (const name of events) socket.on(name, (...args) => heard.push({ name, args: args.map(plain) }));
}`;
const ECHO = `({ text, bytes }) => socket.emit('message', text, new Uint8Array(bytes).buffer)`;

const chrome = browser();

describe('in Chromium', () => {
  let carillon, web, origin, balancer;

  before(async () => {
    const [port] = await freePorts(1);
    origin = `http://127.0.0.1:${port}`;
    web = createServer(serve).listen(port, '127.0.0.1');
    await once(web, 'listening');
    const settings = { CARILLON_PUBLIC__ORIGINS: origin, CARILLON_PUBLIC__CONFORMANCE: 'socket' };
    carillon = new Carillon({ settings });
    await carillon.start();
    balancer = sticky(carillon).listen(0, '127.0.0.1');
    await once(balancer, 'listening');
  });
  after(async () => {
    for (const server of [web, balancer]) {
      server.close();
      server.closeAllConnections();
    }
    await carillon.stop();
  });

  let user = 800;
  for (const generation of Object.keys(BUNDLES)) {
    describe(`the ${generation} bundle`, () => {
      let page;
      before(async () => {
        page = await chrome.visit(`${origin}/${generation}`);
      });
      after(() => page.close());

      const enter = async (path, transport) => {
        page.complaints.length = 0;
        const options = { address: carillon.url + path, transports: TRANSPORTS[transport], events: EVENTS };
        await page.evaluate(`(${ENTER})(${JSON.stringify(options)})`);
      };

      for (const transport of Object.keys(TRANSPORTS)) {
        const own = `${user += 1}`;
        it(`gets snapshot and end on /notice by ${transport}`, async () => {
          const [live, end] = [progress(own, 'copy', 10), complete(own, 'copy')]
            .map((message) => ({ ...message, name: HARD_NAME }));
          await carillon.handIn(live);
          await enter(`/notice?user=${own}`, transport);
          assert.deepEqual((await heard(page, 'file.progress')).args[0], live);
          await until('its last transport', async () =>
            await page.evaluate('socket.io.engine.transport.name') === TRANSPORTS[transport].at(-1));
          await carillon.handIn(end);
          assert.deepEqual((await heard(page, 'file.complete')).args[0], end);
          assert.deepEqual(page.complaints, []);
        });

        it(`gets back the text and bytes it sent on / by ${transport}`, async () => {
          await enter('/', transport);
          await heard(page, 'connect');
          await page.evaluate(`(${ECHO})(${JSON.stringify({ text: HARD_NAME, bytes: BYTES })})`);
          assert.deepEqual((await heard(page, 'message-back')).args, [HARD_NAME, BYTES]);
          assert.deepEqual(page.complaints, []);
        });
      }

      it('stays with its node by the cookie of a balancer, and may send headers of its own', async () => {
        page.complaints.length = 0;
        balancer.cookies = [];
        const extraHeaders = { 'x-page': generation };
        const options = { withCredentials: true, extraHeaders, transportOptions: { polling: { extraHeaders } } };
        const address = `http://127.0.0.1:${balancer.address().port}/`;
        await page.evaluate(`(${ENTER})(${JSON.stringify({ address, transports: ['polling'], events: EVENTS, options })})`);
        await heard(page, 'connect');
        await page.evaluate(`(${ECHO})(${JSON.stringify({ text: HARD_NAME, bytes: BYTES })})`);
        await heard(page, 'message-back');
        assert.deepEqual(new Set(balancer.cookies.slice(1)), new Set(['node=1']));
        assert.deepEqual(page.complaints, []);
      });

      it('is told why /notice refuses it', async () => {
        await enter('/notice', 'websocket');
        assert.deepEqual((await heard(page, refusal(generation).event)).args, ['user is required']);
      });
    });
  }
});

/** In front of a node: who comes without its cookie is given it. `cookies`: what came, preflights aside. */
function sticky(carillon) {
  const server = createServer((asked, answer) => {
    const { method, url, headers } = asked;
    if (method !== 'OPTIONS') server.cookies.push(headers.cookie);
    const ours = request({ port: carillon.publicPort, host: '127.0.0.1', method, path: url, headers }, (got) => {
      const cookie = headers.cookie ? {} : { 'set-cookie': 'node=1; Path=/' };
      answer.writeHead(got.statusCode, { ...got.headers, ...cookie });
      got.pipe(answer);
    });
    ours.on('error', () => answer.destroy());
    asked.pipe(ours);
  });
  return server;
}

function serve(request, answer) {
  const [, generation, isBundle] = request.url.split('/');
  if (isBundle) {
    const bundle = `./node_modules/socket.io-client-${generation}/${BUNDLES[generation]}`;
    answer.setHeader('content-type', 'text/javascript');
    answer.end(readFileSync(new URL(bundle, import.meta.url)));
  } else {
    answer.setHeader('content-type', 'text/html');
    answer.end('<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,">'
      + `<script src="/${generation}/bundle"></script>`);
  }
}

async function heard(page, name) {
  let events = [];
  const what = () => `${name}, of ${JSON.stringify(events.slice(-5))}; ${page.complaints.slice(-2)}`;
  return until(what, async () => {
    events = await page.evaluate('window.heard');
    return events.find((event) => event.name === name);
  });
}
