// The README's first ten minutes, to the letter: its page in a browser, and the commands that play the worker. Only the
// addresses are the test's own.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { after, afterEach, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { browser } from './browser.mjs';
import { Carillon } from './carillon.mjs';

const README = readFileSync(new URL('../../../../README.md', import.meta.url), 'utf8');
const [, PAGE] = /^```html\n(.*?)^```$/ms.exec(README);
const WORKER = README.split('\n').filter((line) => line.startsWith(`curl -d '{"identity":"mine"`));

const chrome = browser();

describe("the README's newcomer", () => {
  let carillon, web, origin;

  before(async () => {
    web = createServer((_, answer) =>
      answer.setHeader('content-type', 'text/html').end(PAGE.replaceAll('http://127.0.0.1:8000', carillon.url)));
    await once(web.listen(0, '127.0.0.1'), 'listening');
    origin = `http://127.0.0.1:${web.address().port}`;
    carillon = new Carillon({ settings: { CARILLON_PUBLIC__ORIGINS: origin } });
    await carillon.start();
  });
  after(async () => {
    web.close();
    await carillon.stop();
  });
  afterEach((test) => test.passed === false && carillon.tell(test.name));

  it('sees on a page of their own what they say as the worker', async () => {
    const page = await chrome.visit(`${origin}/page.html`);
    const says = async (command, text) => {
      await promisify(execFile)('sh', ['-c', command.replace('http://127.0.0.1:8001', carillon.internal)]);
      await page.getByText(text, { exact: true }).waitFor();
    };
    assert.equal(WORKER.length, 2, 'progress, and the end');
    await says(WORKER[0], 'mine: 80 %');
    await says(WORKER[1], 'mine: done');
  });
});
