// The room page of `carillon demo` in two windows, and the module's handle as the guide writes it.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { browser, shoot } from './browser.mjs';
import { node } from './carillon.mjs';
import { until } from './until.mjs';

const carillon = node({ command: 'demo' });
const chrome = browser();

/** The sample of docs/rooms.md, as a page of its own host would have it. */
const GUIDE = readFileSync(new URL('../../../../docs/rooms.md', import.meta.url), 'utf8');
const SAMPLE = GUIDE.match(/```js\n(.*?)```/s)[1];

const line = (page, code) => page.locator(`#told li[data-code="${code}"]`).first();

describe('the room page', () => {
  it('tells two windows who is in, who is put out, and what is said', async () => {
    const [one, other] = [await chrome.visit(`${carillon.internal}/rooms`), await chrome.visit(`${carillon.internal}/rooms`)];
    for (const page of [one, other]) await line(page, '2001').waitFor();
    await one.locator('#enter').click();
    await line(one, '2002').waitFor();
    await other.locator('#enter').click();
    await line(other, '2004').waitFor();
    assert.match(await line(other, '2004').textContent(), /your room id\(456\) already exist/);
    await other.getByLabel('The last').check();
    await other.locator('#enter').click();
    await line(other, '2002').waitFor();
    await line(one, '2005').waitFor();
    await one.locator('#text').fill('<b>你好</b>');
    await one.locator('#send').click();
    await line(other, 'flash').getByText('<b>你好</b>').waitFor();
    await shoot(one, 'rooms-put-out');
    await shoot(other, 'rooms-holder');
    for (const page of [one, other]) {
      assert.equal(await page.locator('#connection').getAttribute('data-state'), 'open');
      assert.deepEqual(page.complaints, []);
      await page.close();
    }
  });

  it('a reloaded window gets past its own ghost', async () => {
    const page = await chrome.visit(`${carillon.internal}/rooms`);
    await page.locator('#room').fill('reloaded');
    await page.locator('#enter').click();
    await line(page, '2002').waitFor();
    await page.reload();
    await page.locator('#room').fill('reloaded');
    await page.locator('#enter').click();
    await line(page, '2002').waitFor();
    assert.equal(await line(page, '2004').count(), 0);
    await page.close();
  });

  for (const [width, colorScheme] of [[360, 'light'], [360, 'dark'], [1280, 'dark']]) {
    it(`has no sideways scroll at ${width} px, ${colorScheme}`, async () => {
      const page = await chrome.visit(`${carillon.internal}/rooms`, { viewport: { width, height: 740 }, colorScheme });
      await line(page, '2001').waitFor();
      const real = await page.evaluate('document.documentElement.scrollWidth');
      assert.ok(real <= width, `the page is ${real} px wide`);
      await shoot(page, `rooms-${width}-${colorScheme}`);
      await page.close();
    });
  }
});

describe('SocketHandle in a page', () => {
  it('connects on first use, logs in, listens, is refused with the code, and closes', async () => {
    const page = await chrome.visit(`${carillon.internal}/rooms`);
    const story = await page.evaluate(async (url) => {
      const { SocketHandle } = await import('/carillon.js');
      const heard = [];
      const handle = new SocketHandle(url);
      handle.listen(undefined, ({ code }) => heard.push(code));
      const first = await handle.loginRoom('guide', 'loginWhenFirst');
      const rival = new SocketHandle(url);
      const refused = await rival.loginRoom('guide').catch(({ name, code, message }) => ({ name, code, message }));
      const bad = await rival.loginRoom('guide', 'nonsense').catch(({ code }) => code);
      const last = await rival.loginRoom('guide', 'loginWhenLast');
      while (!heard.includes('2005')) await new Promise((wake) => setTimeout(wake, 10));
      handle.close();
      rival.close();
      return { first, refused, bad, last, heard };
    }, carillon.url);
    assert.deepEqual(story, {
      first: { code: '2002', msg: 'login room (id:guide) success' },
      refused: { name: 'LoginError', code: '2004', message: 'your room id(guide) already exist' },
      bad: '2003',
      last: { code: '2002', msg: 'login room (id:guide) success' },
      heard: ['2001', '2002', '2005'],
    });
    await page.close();
  });

  it('runs the guide\'s sample as it is written, but for the address', async () => {
    const page = await chrome.visit(`${carillon.internal}/rooms`);
    const said = [];
    page.on('console', (message) => said.push(message.text()));
    const sample = SAMPLE.replace('https://push.example.com', carillon.url);
    assert.notEqual(sample, SAMPLE);
    await page.addScriptTag({ type: 'module', content: `${sample}\nconsole.log('the end');` });
    await until(() => `the end of the sample, after ${said}, ${page.complaints}`, () => said.includes('the end'));
    assert.deepEqual(said, ['2001 connect success', '2002 login room (id:456) success', 'the end']);
    await until('it to be out', async () => (await carillon.get('/v1/rooms')).rooms.every(({ room }) => room !== '456'));
    assert.deepEqual(page.complaints, []);
    await page.close();
  });
});
