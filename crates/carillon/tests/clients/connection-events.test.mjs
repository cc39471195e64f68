// The order of events that each generation's page sees over one life: connect, snapshot, a cut, the
// return, the server's departure. Recorded in connection-events.json; CARILLON_RECORD=1 writes it anew.

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { Carillon } from './carillon.mjs';
import { GENERATIONS, PAIRS, TRANSPORTS, departure, open } from './generations.mjs';
import { complete, progress } from './messages.mjs';
import { relay } from './relay.mjs';
import { until } from './until.mjs';

const RECORD = new URL('./connection-events.json', import.meta.url);

describe('the order of connection events', () => {
  it('is the recorded one on each generation and transport', async (test) => {
    const ends = (end) => test.after(end);
    const carillon = new Carillon({ settings: { CARILLON_DRAIN__GRACE: '5s' } });
    ends(() => carillon.stop());
    await carillon.start();
    const pages = await Promise.all(PAIRS.map((pair, at) => journey(carillon, pair, `${400 + at}`, ends)));
    assert.equal(await carillon.stop(), 0);
    await Promise.all(pages.map((page) =>
      until(() => `${page} to try to return: ${page.story()}`, () => life(page))));
    const lives = Object.fromEntries(GENERATIONS.map((generation) => [generation, Object.fromEntries(
      Object.keys(TRANSPORTS).map((transport) => [transport, life(pages.find((page) =>
        page.generation === generation && page.transport === transport))]))]));

    if (process.env.CARILLON_RECORD) writeFileSync(RECORD, `${JSON.stringify(lives, null, 2)}\n`);
    assert.deepEqual(lives, JSON.parse(readFileSync(RECORD, 'utf8')));
  });
});

/** One page up to the moment before the server leaves. */
async function journey(carillon, { generation, transport }, user, ends) {
  const network = await relay(carillon.publicPort, ends);
  await carillon.handIn(progress(user, 'copy', 10));
  const page = open({
    generation, transport, namespace: '/notice', query: `user=${user}`, url: network.url,
    options: { reconnectionDelay: 2_000, reconnectionDelayMax: 2_000 },
  }, ends);
  await page.connected();
  await page.notice('copy', 'file.progress');
  network.cut();
  await page.event('disconnect');
  network.hold();
  await carillon.handIn(complete(user, 'copy'));
  network.mend();
  await page.connected();
  await page.notice('copy', 'file.complete');
  return page;
}

/** The names in order, with the reason of a disconnect, up to the first attempt after the departure. */
function life(page) {
  const names = page.heard.map(({ name, args }) => (name === 'disconnect' ? `disconnect: ${args[0]}` : name));
  const left = names.indexOf(departure(page.generation));
  const end = left < 0 ? -1 : names.findIndex((name, at) => at > left && name.endsWith('reconnect_attempt'));
  return end < 0 ? undefined : names.slice(0, end + 1);
}
