// The snippets of docs/uplink.md, run as they stand there, by the Redis user that it describes: a backend
// that reads what clients say.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { Carillon } from '../clients/carillon.mjs';
import { PlainSocket } from '../clients/plain.mjs';
import { until } from '../clients/until.mjs';
import { block } from './guide.mjs';
import { LANGUAGES, make } from './languages.mjs';
import { Redis } from './redis.mjs';

const READERS = [
  { heading: 'In Python', language: 'Python', tag: 'python', file: 'reader.py', run: ['venv/bin/python', 'reader.py'] },
  { heading: 'In JavaScript', language: 'Node', tag: 'js', file: 'reader.mjs', run: ['node', 'reader.mjs'] },
];

const [, NAME, SECRET, RIGHTS] =
  /SETUSER (\S+) on '>(\S+)' (.*)/.exec(block('In JavaScript', 'sh', 'uplink'));

describe('a backend reads what a page says', () => {
  const redis = new Redis();
  const carillon = new Carillon();
  before(async () => {
    await redis.start();
    const rights = RIGHTS.replaceAll("'", '').replaceAll('\\', '').split(' ');
    await redis.ask('ACL', 'SETUSER', NAME, 'on', `>${SECRET}`, ...rights);
    carillon.configure({ CARILLON_REDIS__URL: redis.ownUrl, CARILLON_UPLINK__STREAM: 'uplink' });
    await carillon.start();
  });
  after(async () => {
    await carillon.stop();
    await redis.stop();
  });

  for (const { heading, language, tag, file, run } of READERS) {
    const { skip } = LANGUAGES.find(({ name }) => name === language);
    it(heading, { skip }, async (test) => {
      const folder = await make(LANGUAGES.find(({ name }) => name === language));
      // A group of its own: each reader is told all.
      const group = `of-${language}`;
      writeFileSync(join(folder, file), block(heading, tag, 'uplink').replace('backend', group));
      const env = { ...process.env, REDIS_URL: `redis://${NAME}:${SECRET}@127.0.0.1:${redis.port}` };
      const reader = spawn(run[0], run.slice(1), { cwd: folder, env });
      test.after(() => reader.kill('SIGKILL'));
      let said = '';
      for (const stream of [reader.stdout, reader.stderr]) {
        stream.setEncoding('utf8').on('data', (text) => { said += text; });
      }
      const told = (what) => () => `${what} from ${language}, which said: ${said}`;
      const groups = async () => redis.ask('XINFO', 'GROUPS', 'carillon:uplink').catch(() => '');
      await until(told('a group'), async () => (await groups()).includes(group), 30_000);
      const page = await PlainSocket.open(carillon.url, 'namespace=/notice&user=5');
      test.after(() => page.close());
      const { args: [{ id }] } = await page.ask('hello', [{ from: language }], 1);
      assert.ok(id);
      await until(told('the event'), () => /5 hello .*from/.test(said) && said.includes(language));
      const pending = () => redis.ask('XPENDING', 'carillon:uplink', group);
      await until(told('its acknowledgement'), async () => (await pending()).startsWith('0'));
    });
  }
});
