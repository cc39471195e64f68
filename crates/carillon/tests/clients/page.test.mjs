// The page of `carillon demo` as a person finds it: alive, with every kind of end, taking a message
// by hand, and fit for a narrow screen.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { browser, shoot } from './browser.mjs';
import { node } from './carillon.mjs';
import { until } from './until.mjs';

const SLOW = 60_000;

const carillon = node({ command: 'demo' });
const chrome = browser();

describe('the demo page', () => {
  it('shows a bar that moves, and a complete, a failed and a cancelled copy', async () => {
    const page = await chrome.visit(`${carillon.internal}/demo`);
    const live = page.locator('#cards .card[data-state=live] [role=progressbar][aria-valuenow]').first();
    await live.waitFor();
    const name = await live.getAttribute('aria-label');
    const bar = page.getByRole('progressbar', { name, exact: true }).first();
    const percent = () => bar.getAttribute('aria-valuenow').then(Number);
    const before = await percent();
    await until('the bar to move', async () => await percent() !== before, SLOW);
    await shoot(page, 'demo-live');
    for (const state of ['complete', 'failed', 'cancelled']) {
      await page.locator(`#cards .card[data-state=${state}]`).first().waitFor({ timeout: SLOW });
    }
    assert.equal(await page.locator('#connection').getAttribute('data-state'), 'open');
    await shoot(page, 'demo-ended');
    assert.deepEqual(page.complaints, []);
    await page.close();
  });

  it('takes a message by hand, shows its card and what arrived', async () => {
    const page = await chrome.visit(`${carillon.internal}/demo`);
    const message = { identity: 'by the test', userIdentity: '5', name: '测试 📄.mp4', status: 1000 };
    await page.locator('#body').fill(JSON.stringify(message));
    await page.locator('#send').click();
    await page.locator('#answer .good').waitFor();
    const card = page.locator('#cards .card[data-state=complete]', { hasText: '测试 📄.mp4' });
    await card.waitFor();
    await card.getByRole('button', { name: /^Raw/ }).click();
    await until('the raw message', async () => (await card.locator('pre').textContent()).includes('by the test'));
    await shoot(page, 'demo-by-hand');
    assert.deepEqual(page.complaints, []);
    await page.close();
  });

  it('says why a message by hand is refused', async () => {
    const page = await chrome.visit(`${carillon.internal}/demo`);
    await page.locator('#body').fill('{"identity": 1');
    await page.locator('#send').click();
    await page.locator('#answer .bad').waitFor();
    assert.match(await page.locator('#answer').textContent(), /400/);
    await page.close();
  });

  for (const colorScheme of ['light', 'dark']) {
    it(`has no sideways scroll at 360 px, ${colorScheme}`, async () => {
      const page = await chrome.visit(`${carillon.internal}/demo`, { viewport: { width: 360, height: 740 }, colorScheme });
      await page.locator('#cards .card').first().waitFor();
      const width = await page.evaluate('document.documentElement.scrollWidth');
      assert.ok(width <= 360, `the page is ${width} px wide`);
      await shoot(page, `demo-360-${colorScheme}`);
      assert.deepEqual(page.complaints, []);
      await page.close();
    });
  }

  it('can be worked by keyboard alone', async () => {
    const page = await chrome.visit(`${carillon.internal}/demo`);
    await page.locator('#cards .card').first().waitFor();
    await page.keyboard.press('Tab');
    assert.equal(await page.evaluate('document.activeElement.className'), 'skip');
    await page.locator('#body').focus();
    await page.keyboard.press('Control+Enter');
    await page.locator('#answer .good').waitFor();
    await page.close();
  });
});
