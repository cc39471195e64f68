// The console as an operator uses it: what the cluster looks like, what one user is sent, dead letters in again,
// a node emptied; with a key and without, by keyboard, on a narrow screen, light and dark.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { Redis } from '../workers/redis.mjs';
import { browser, shoot } from './browser.mjs';
import { Carillon, node } from './carillon.mjs';
import { open } from './generations.mjs';
import { complete, progress } from './messages.mjs';
import { until } from './until.mjs';

const chrome = browser();

const pageOf = async (test, url, user) => open({ generation: '4.8', transport: 'websocket', namespace: '/notice',
  query: `user=${user}`, url }, (end) => test.after(end)).connected();

async function visit(test, url, options) {
  const page = await chrome.visit(url, options);
  test.after(() => page.close());
  return page;
}

describe('the console of two nodes', () => {
  const redis = new Redis();
  let one, other;
  before(async () => {
    await redis.start();
    const settings = { CARILLON_REDIS__URL: redis.ownUrl };
    [one, other] = [1, 2].map(() => new Carillon({ settings }));
    await Promise.all([one.start(), other.start()]);
  });
  after(async () => {
    await Promise.all([one.stop(), other.stop()]);
    await redis.stop();
  });

  it('shows each node, how full it is, and what this one does a second', async (test) => {
    await pageOf(test, other.url, 5);
    const page = await visit(test, one.internal);
    await page.locator('#nodes tr').nth(1).waitFor();
    assert.match(await page.locator('#nodes').textContent(), /this one/);
    await page.locator('#tiles div', { hasText: 'Sockets' }).getByText('1', { exact: true }).waitFor();
    const rate = page.locator('#rates li', { hasText: 'Notices from' });
    await one.handIn([complete(5, 'for the plot')]);
    await rate.locator('output', { hasText: /^0\.[1-9]|^[1-9]/ }).waitFor();
    assert.match(await page.locator('#here').textContent(), /ready/);
    await shoot(page, 'console-cluster');
    assert.deepEqual(page.complaints, []);
  });

  it('finds a user on whichever node, their tasks, and tells what they are sent as they are sent it', async (test) => {
    const client = await pageOf(test, other.url, 7);
    await one.handIn([progress(7, 'copy 1', 40)]);
    const page = await visit(test, `${one.internal}/#someone?user=7`);
    await page.locator('#finding', { hasText: 'User 7 has 1 socket in /notice on 1 node' }).waitFor();
    assert.match(await page.locator('#sockets').textContent(), new RegExp(client.id));
    assert.match(await page.locator('#tasks').textContent(), /copy 1.*file\.progress.*40 %/);
    await page.getByRole('button', { name: 'Watch' }).click();
    await page.locator('#tail li', { hasText: 'file.progress (known)' }).waitFor();
    await other.handIn([complete(7, 'copy 1')]);
    await page.locator('#tail li', { hasText: 'file.complete' }).filter({ hasText: '"copy 1"' }).waitFor();
    await shoot(page, 'console-someone');
    await page.getByRole('button', { name: 'Stop' }).click();
    await until('nobody to watch', async () => await one.count('carillon_sockets{', '"tail"') === 0);
    assert.deepEqual(page.complaints, []);
  });

  it('watches a room of / and is in nobody\'s way there', async (test) => {
    const page = await visit(test, `${one.internal}/#someone?room=456&namespace=/`);
    await page.getByRole('button', { name: 'Watch' }).click();
    await until('it to watch', async () => await one.count('carillon_sockets{', '"tail"') === 1);
    const client = await open({ generation: '4.8', transport: 'websocket', url: other.url }, (end) => test.after(end)).connected();
    client.listen('downmsg', 'flash');
    // A node that has just started does not know at once who is in.
    await until('it to be the first', async () => (await client.ask('loginRoom', '456', 'loginWhenFirst'))[0].code === '2002');
    await other.emit({ to: { room: '456' }, event: 'flash', data: 'you' });
    await client.event('flash');
    await page.locator('#tail li', { hasText: 'flash' }).filter({ hasText: '"you"' }).waitFor();
  });

  it('puts a socket out, once that was meant', async (test) => {
    const client = await pageOf(test, other.url, 8);
    const page = await visit(test, `${one.internal}/#someone?user=8`);
    const disconnect = page.getByRole('button', { name: 'Disconnect…' });
    await disconnect.click();
    await page.getByRole('dialog').getByRole('button', { name: 'No' }).click();
    assert.equal(client.count('disconnect'), 0);
    await disconnect.click();
    await page.getByRole('button', { name: 'Disconnect it' }).click();
    await client.event('disconnect');
    await page.locator('#finding', { hasText: 'User 8 has no socket' }).waitFor();
  });

  it('hands a dead letter in again, and lets one go', async (test) => {
    for (const text of ['{"no":"task"}', '<script>alert(1)</script>']) {
      await redis.ask('XADD', 'carillon:tasks', '*', 'json', text);
    }
    const page = await visit(test, `${one.internal}/#dead`);
    await page.locator('#dead-badge', { hasText: '2' }).waitFor();
    await page.reload();
    const letter = page.locator('#letters li', { hasText: '<script>alert(1)</script>' });
    await letter.waitFor();
    await shoot(page, 'console-dead');
    await letter.getByRole('button', { name: 'Drop…' }).click();
    await page.keyboard.press('Enter');
    assert.ok(await letter.isVisible(), 'Enter lets go what cannot be had back');
    await letter.getByRole('button', { name: 'Drop…' }).click();
    await page.getByRole('button', { name: 'Drop', exact: true }).click();
    await letter.waitFor({ state: 'detached' });
    await page.getByRole('button', { name: 'Hand in again' }).click();
    await until('it to be a dead letter once more', async () => (await one.get('/v1/dead')).letters
      .some(({ json, tries }) => json === '{"no":"task"}' && tries > 0));
    assert.deepEqual(page.complaints, []);
  });

  it('says of a node without sockets that others show the cluster', async (test) => {
    const taker = new Carillon({ settings: { CARILLON_REDIS__URL: redis.ownUrl, CARILLON_ROLES: 'ingest' } });
    test.after(() => taker.stop());
    await taker.start();
    const page = await visit(test, taker.internal);
    await page.getByText('This node takes messages in and has no sockets').waitFor();
    await page.locator('#tiles', { hasText: 'Dead letters' }).waitFor();
    assert.ok(await page.locator('#trouble').isHidden());
    assert.ok(await page.getByRole('button', { name: 'Rebalance…' }).isHidden());
  });

  it('empties a node from the console of another', async (test) => {
    const client = await pageOf(test, other.url, 9);
    const page = await visit(test, one.internal);
    const row = page.locator('#nodes tr').filter({ hasNotText: 'this one' });
    await row.getByRole('button', { name: 'Drain…' }).click();
    assert.match(await page.getByRole('dialog').textContent(), /stays up, empty/);
    await page.getByRole('button', { name: 'Drain it' }).click();
    await row.getByText('going').waitFor();
    await client.event('departing', ({ reason }) => reason === 'drain');
  });
});

describe('the console of a node with keys', () => {
  const [READS, RULES] = ['reads-0123456789', 'rules-0123456789'];
  const carillon = node({ settings: {
    CARILLON_INTERNAL__API_KEYS: `shop:read:${READS},ops:read+admin:${RULES}`,
    CARILLON_DRAIN__GRACE: '2s',
  } });

  const give = async (page, key) => {
    await page.getByLabel('Key').fill(key);
    await page.getByRole('button', { name: 'Use' }).click();
  };

  it('asks for one, and does what the key may do', async (test) => {
    const page = await visit(test, carillon.internal);
    await page.locator('#trouble', { hasText: 'Give a key that may, above' }).waitFor();
    await give(page, READS);
    const drain = page.getByRole('button', { name: 'Drain…' });
    await drain.click();
    await page.getByRole('button', { name: 'Drain it' }).click();
    await page.locator('#trouble', { hasText: 'admin' }).waitFor();
    assert.equal(await carillon.count('carillon_draining'), 0);
    await give(page, RULES);
    await drain.click();
    await page.getByRole('button', { name: 'Drain it' }).click();
    await page.locator('#nodes', { hasText: 'going' }).waitFor();
    assert.match(carillon.log, /"deed":"drain"/);
    assert.ok(!page.url().includes(RULES));
  });
});

describe('the console', () => {
  const carillon = node();

  for (const colorScheme of ['light', 'dark']) {
    it(`has no sideways scroll at 360 px, ${colorScheme}`, async (test) => {
      const page = await visit(test, carillon.internal, { viewport: { width: 360, height: 740 }, colorScheme });
      for (const view of ['cluster', 'someone?user=5', 'dead']) {
        await page.goto(`${carillon.internal}/#${view}`);
        await page.locator('main > section:not([hidden])').waitFor();
        const width = await page.evaluate('document.documentElement.scrollWidth');
        assert.ok(width <= 360, `${view} is ${width} px wide`);
        await shoot(page, `console-360-${colorScheme}-${view.split('?')[0]}`);
      }
    });
  }

  it('can be worked by keyboard alone', async (test) => {
    const page = await visit(test, carillon.internal);
    await page.locator('#nodes tr').first().waitFor();
    await page.keyboard.press('Tab');
    assert.equal(await page.evaluate('document.activeElement.className'), 'skip');
    await page.getByRole('link', { name: 'A user or room' }).focus();
    await page.keyboard.press('Enter');
    await page.locator('#by-user').focus();
    await page.keyboard.type('5');
    await page.keyboard.press('Enter');
    await page.locator('#finding', { hasText: 'User 5 has no socket' }).waitFor();
    assert.equal(await page.locator('nav [aria-current=page]').textContent(), 'A user or room');
  });

  it('names everything that can be pressed or filled in', async (test) => {
    const page = await visit(test, carillon.internal);
    await page.locator('#nodes tr').first().waitFor();
    const nameless = await page.evaluate(() => [...document.querySelectorAll('button, input, a, meter')]
      .filter((each) => !(each.labels?.length || each.ariaLabel || each.textContent.trim()))
      .map((each) => each.outerHTML));
    assert.deepEqual(nameless, []);
  });

  it('says that its node is away, and that it is back', async (test) => {
    const mortal = new Carillon();
    test.after(() => mortal.stop());
    await mortal.start();
    const page = await visit(test, mortal.internal);
    await page.locator('#here', { hasText: 'ready' }).waitFor();
    await mortal.stop();
    await page.locator('#here', { hasText: 'This node does not answer' }).waitFor();
    const again = new Carillon({ ports: [mortal.publicPort, mortal.internalPort] });
    test.after(() => again.stop());
    await again.start();
    await page.locator('#here', { hasText: 'This node is ready' }).waitFor();
    await page.locator('#trouble').waitFor({ state: 'hidden' });
  });

  it('answers who reads no pages with a word about the port', async () => {
    const answer = await fetch(carillon.internal);
    assert.match(answer.headers.get('content-type'), /^text\/plain/);
    const page = await fetch(carillon.internal, { headers: { accept: 'text/html' } });
    assert.match(page.headers.get('content-security-policy'), /default-src 'none'/);
  });
});
