// The files of deploy and the compose file, each judged by the program that will read it. The proxies' are in
// edges.test.mjs, where they run.

import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { until, within } from '../clients/until.mjs';
import { Redis } from '../workers/redis.mjs';

const ROOT = fileURLToPath(new URL('../../../../', import.meta.url));
const { CHECK_JSONSCHEMA, HADOLINT, SHELLCHECK, SYSTEMD_ANALYZE, CARILLON_BIN } = process.env;
const run = async (program, args, options) => (await promisify(execFile)(program, args, { cwd: ROOT, ...options })).stdout;
const lacking = (tool) => (tool ? false : 'NOT TESTED, its tool is not here');

describe('what is shipped to be read by others', () => {
  it('docker-compose.yml is a compose file', { skip: lacking(CHECK_JSONSCHEMA) }, () =>
    run(CHECK_JSONSCHEMA, ['--builtin-schema', 'vendor.compose-spec', 'docker-compose.yml']));

  it('the schema of the chart is a schema', { skip: lacking(CHECK_JSONSCHEMA) }, () =>
    run(CHECK_JSONSCHEMA, ['--check-metaschema', 'helm/carillon/values.schema.json']));

  it('the Dockerfile has nothing that hadolint complains of', { skip: lacking(HADOLINT) }, () =>
    run(HADOLINT, ['deploy/Dockerfile']));

  it('the scripts have nothing that shellcheck complains of', { skip: lacking(SHELLCHECK) }, () =>
    run(SHELLCHECK, ['deploy/worker.sh']));

  it('the unit is one that systemd starts, and exposes little', { skip: lacking(SYSTEMD_ANALYZE) }, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'carillon-unit-'));
    const unit = join(folder, 'carillon.service');
    // It is verified that the program is there.
    writeFileSync(unit, readFileSync(join(ROOT, 'deploy/systemd/carillon.service'), 'utf8')
      .replaceAll('/usr/bin/carillon', CARILLON_BIN));
    await run(SYSTEMD_ANALYZE, ['verify', unit]);
    const exposure = await run(SYSTEMD_ANALYZE, ['security', '--offline=true', '--threshold=20', unit]);
    assert.match(exposure, /OK/);
    rmSync(folder, { recursive: true });
  });

  it('the settings of the image ask for keys and for who may connect, and for nothing else', async () => {
    const settings = readFileSync(join(ROOT, 'deploy/image.toml'), 'utf8').replace(/^serve_client.*$/m, '');
    const folder = mkdtempSync(join(tmpdir(), 'carillon-image-'));
    const file = join(folder, 'carillon.toml');
    writeFileSync(file, settings);
    await assert.rejects(run(CARILLON_BIN, ['check', '--config', file], { env: {} }), /auth\.allow_anonymous[^]*internal\.api_keys/);
    const env = { CARILLON_AUTH__ALLOW_ANONYMOUS: 'true', CARILLON_PUBLIC__PLAINTEXT: 'true',
      CARILLON_INTERNAL__API_KEYS: 'demo:publish:for-this-machine-alone' };
    await run(CARILLON_BIN, ['check', '--config', file], { env });
    rmSync(folder, { recursive: true });
  });

  describe("the compose file's worker", () => {
    const redis = new Redis();
    let child;
    beforeEach(() => redis.reserve());
    afterEach(async () => {
      child.kill('SIGKILL');
      await redis.stop();
    });

    const work = (PAUSE = '0') => {
      const env = { PATH: process.env.PATH, REDIS_PORT: String(redis.port), TASKS: '1', PAUSE };
      child = spawn('sh', ['deploy/worker.sh'], { cwd: ROOT, env, stdio: ['ignore', 'ignore', 'pipe'] });
      return within('the worker to end', once(child, 'exit'));
    };
    const said = async () => (await redis.entries()).map(([, json]) => JSON.parse(json));

    it('says what a node understands', async () => {
      await redis.start();
      assert.deepEqual(await work(), [0, null]);
      const messages = await said();
      assert.equal(messages.length, 11);
      assert.deepEqual([messages[0].progress, messages.at(-1).status], [0, 1000]);
      assert.ok(messages.every(({ identity, userIdentity }) => identity && userIdentity === '5'));
    });

    it('keeps its words until Redis is there', async () => {
      const ended = work();
      await within('Redis to be missed', once(child.stderr, 'data'));
      await redis.start();
      assert.deepEqual(await ended, [0, null]);
      assert.equal((await said()).length, 11);
    });

    it('cancels the task that it is stopped in', async () => {
      await redis.start();
      const ended = work('0.1');
      await until('its first word', async () => (await said()).length > 0);
      child.kill('SIGTERM');
      assert.deepEqual(await ended, [0, null]);
      assert.equal((await said()).at(-1).action, 'cancel');
    });
  });
});
