// Refusals that will not pass: each generation's own handler hears the reason, and the client stops
// trying, alone on its transport as well as beside a namespace that works.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { node } from './carillon.mjs';
import { GENERATIONS, open, refusal } from './generations.mjs';
import { RawSocket } from './raw.mjs';

const EXCHANGES = 3;

const carillon = node({ settings: { CARILLON_LIMITS__HANDSHAKE: '1s' } });

const CASES = [
  { why: 'no user', namespace: '/notice', says: /^user is required$/ },
  { why: 'an unknown namespace', namespace: '/nowhere', says: /^Invalid namespace$/ },
  { why: 'user and userIdentity that differ', namespace: '/notice', query: 'user=5&userIdentity=6',
    says: /user/i },
];

describe('refusals', { concurrency: 40 }, () => {
  for (const { why, namespace, query, says } of CASES) {
    for (const generation of GENERATIONS) {
      for (const transport of ['polling', 'websocket']) {
        it(`${generation} by ${transport} is told of ${why}, and stops trying`, async (test) => {
          const page = open({ generation, transport, namespace, query, url: carillon.url },
            (end) => test.after(end));
          const asked = await isRefused(page, says);
          await severalHandshakesTimeOut();
          staysRefused(page, asked);
        });
      }
    }
  }

  for (const generation of GENERATIONS) {
    it(`${generation} refused on one namespace keeps the other over the same Manager`, async (test) => {
      const ends = (end) => test.after(end);
      const event = `still here ${generation}`;
      const main = open({ generation, url: carillon.url }, ends).listen(event);
      await main.connected();
      const refused = open({ generation, namespace: '/notice', beside: main }, ends);
      const asked = await isRefused(refused, /^user is required$/);
      for (let round = 1; round <= EXCHANGES; round += 1) {
        await carillon.emit({ namespace: '/', event, data: round });
        await main.event(event, (data) => data === round);
      }
      staysRefused(refused, asked);
      assert.equal(main.count('disconnect'), 0);
    });
  }
});

/** Answers how often the page had asked by then. */
async function isRefused(page, says) {
  const { event, text } = refusal(page.generation);
  const { args: [reason] } = await page.event(event);
  assert.equal(typeof text(reason), 'string', `${page} heard ${page.story()}`);
  assert.match(text(reason), says);
  assert.equal(page.count('connect'), 0, `${page} heard ${page.story()}`);
  return page.connectsSent;
}

function staysRefused(page, asked) {
  assert.equal(page.connectsSent, asked, `${page} asked again: ${page.story()}`);
  assert.equal(page.count('disconnect'), 0, `${page} lost its transport: ${page.story()}`);
  assert.equal(page.isConnected, false);
}

/** As long as the server gives a silent client, several times over: what would come back, has. */
async function severalHandshakesTimeOut() {
  for (let round = 1; round <= EXCHANGES; round += 1) {
    const silent = await RawSocket.open(carillon.url);
    await silent.closed();
  }
}
