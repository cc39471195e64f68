// The server leaves: every generation's handler hears of it before its transport closes, and the
// page comes back by itself to the node that takes over.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Carillon } from './carillon.mjs';
import { PAIRS, departure, open } from './generations.mjs';
import { complete, progress } from './messages.mjs';
import { relay } from './relay.mjs';
import { until, within } from './until.mjs';

describe('a departure', () => {
  it('is announced to each client by each transport, which then returns to another node', async (test) => {
    const ends = (end) => test.after(end);
    const [first, second] = [leaving(), leaving()];
    ends(() => Promise.all([first.stop(), second.stop()]));
    await first.start();
    const network = await relay(first.publicPort, ends);
    const pages = PAIRS.flatMap(({ generation, transport }) => ['/', '/notice'].map((namespace) =>
      open({ generation, transport, namespace, query: 'user=5', url: network.url }, ends)));
    await Promise.all(pages.map((page) => page.connected()));

    const stopped = first.stop();
    await Promise.all(pages.map(announced));
    assert.equal(await within('exit', stopped), 0);

    await second.start();
    network.port = second.publicPort;
    await Promise.all(pages.map((page) => page.connected()));
    await second.handIn([progress(5, 'copy', 1), complete(5, 'copy')]);
    const notices = pages.filter(({ namespace }) => namespace === '/notice');
    await Promise.all(notices.map((page) => page.notice('copy', 'file.complete')));
  });
});

function leaving() {
  return new Carillon({ settings: { CARILLON_DRAIN__GRACE: '5s' } });
}

async function announced(page) {
  await until(() => `${page} to be cut off, which heard ${page.story()}`, () => page.count('disconnect') === 1);
  const name = departure(page.generation);
  const { args } = await page.event(name);
  assert.equal(args.length, 1);
  assert.deepEqual(Object.keys(args[0]).sort(), ['reason', 'retry_after_ms']);
  assert.equal(typeof args[0].reason, 'string');
  assert.ok(Number.isInteger(args[0].retry_after_ms));
  const names = page.heard.map(({ name }) => name);
  assert.ok(names.indexOf(name) < names.indexOf('disconnect'), page.story());
  const [reason] = page.named('disconnect')[0].args;
  assert.match(reason, /^transport (close|error)$/, `${page} would not come back`);
}
