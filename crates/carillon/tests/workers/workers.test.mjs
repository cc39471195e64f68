// The snippets of docs/workers.md, run as they stand there, by the Redis user that it describes.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { Carillon } from '../clients/carillon.mjs';
import { PlainSocket } from '../clients/plain.mjs';
import { until } from '../clients/until.mjs';
import { block } from './guide.mjs';
import { LANGUAGES, make, start } from './languages.mjs';
import { Redis } from './redis.mjs';

describe('a snippet leaves a progress and an end of its task in the stream', () => {
  const redis = new Redis();
  before(() => redis.start());
  after(() => redis.stop());

  for (const language of LANGUAGES) {
    it(`in ${language.name}`, { skip: language.skip }, async () => {
      await run(language, redis);
      const entries = await entriesOf(language, redis);
      assert.equal(entries.length, 2, JSON.stringify(entries));
      const [progress, end] = entries.map(read);
      const task = { identity: language.identity, userIdentity: 5, name: 'july.mp4' };
      assert.deepEqual(progress, { ...task, status: 100, progress: 80 });
      assert.deepEqual(end, { ...task, status: 1000 });

      const became = await explain(language, entries.map(([, json]) => json));
      const { identity } = language;
      assert.match(became[0], new RegExp(`^0: file.progress to user:5@/notice: progress of task ${identity},`));
      assert.match(became[1], new RegExp(`^1: file.complete to user:5@/notice: the end of task ${identity},`));
    });
  }
});

describe('an end outlives a Redis that is away when the snippet starts', { concurrency: true }, () => {
  const redis = new Redis();
  let running = [];
  before(async () => {
    await redis.reserve();
    const here = LANGUAGES.filter(({ skip }) => !skip);
    // All are made before any starts: none may give up while another is still compiled.
    for (const language of here) await make(language);
    const tried = [];
    running = here.map((language) => {
      const ended = run(language, redis);
      tried.push(until(`${language.name} to say that it could not`, () => ended.spoke(), 60_000));
      return [language.name, ended];
    });
    running.forEach(([, ended]) => ended.catch(() => {}));
    await Promise.all(tried);
    await redis.start();
  });
  after(() => redis.stop());

  for (const language of LANGUAGES) {
    it(`in ${language.name}`, { skip: language.skip }, async () => {
      await running.find(([name]) => name === language.name)[1];
      const messages = (await entriesOf(language, redis)).map(read);
      assert.equal(messages.at(-1)?.status, 1000, JSON.stringify(messages));
      assert.equal(messages.filter(({ status }) => status === 1000).length, 1);
    });
  }
});

describe('a page of the user', () => {
  const redis = new Redis();
  let carillon;
  let page;
  before(async () => {
    await redis.start();
    carillon = new Carillon({ settings: { CARILLON_REDIS__URL: redis.ownUrl } });
    await carillon.start();
    page = await PlainSocket.open(carillon.url, 'namespace=/notice&user=5');
  });
  after(async () => {
    page?.close();
    await carillon?.stop();
    await redis.stop();
  });

  it('hears what came by each road of the guide', async () => {
    const env = { ...process.env, REDIS_URL: redis.url, NODE_URL: carillon.internal };
    await promisify(execFile)('sh', ['-euc', block('Four roads in', 'sh')], { env, timeout: 30_000 });
    const roads = ['by-stream', 'by-list', 'by-channel', 'by-http'];
    for (const identity of roads) await page.notice(identity, 'file.complete');
  });

  for (const language of LANGUAGES) {
    it(`hears the snippet in ${language.name}`, { skip: language.skip }, async () => {
      await run(language, redis);
      await page.notice(language.identity, 'file.complete');
      const events = page.ofTask(language.identity).map(({ event }) => event);
      assert.deepEqual(events, ['file.progress', 'file.complete']);
    });
  }
});

/** Runs the snippet to its end, which has to be a good one. `spoke`: it has complained, or is gone. */
function run(language, redis) {
  let said = '';
  const ended = make(language).then((folder) => {
    const running = start(language.run, folder, { REDIS_URL: redis.url });
    running.child.stderr.on('data', (words) => { said += words; });
    return running;
  });
  const gone = () => { said ||= 'gone'; };
  ended.then(gone, gone);
  return Object.assign(ended, { spoke: () => said !== '' });
}

/** The entries that this snippet has left, each `[field, value]`. */
async function entriesOf({ identity }, redis) {
  const entries = await redis.entries();
  return entries.filter(([, json]) => JSON.parse(json).identity === identity);
}

function read(entry) {
  assert.equal(entry.length, 2, 'one field, and its value');
  assert.equal(entry[0], 'json');
  return JSON.parse(entry[1]);
}

/** What `carillon explain` says of each message. */
async function explain(language, messages) {
  const file = join(await make(language), 'left.ndjson');
  writeFileSync(file, messages.map((message) => `${message}\n`).join(''));
  const { stdout } = await promisify(execFile)(process.env.CARILLON_BIN, ['explain', file], { env: {} });
  return stdout.trim().split('\n');
}
