// The files of deploy and the compose file, each judged by the program that will read it. The proxies' are in
// edges.test.mjs, where they run.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
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

  it("the compose file's worker says what a node understands", async (test) => {
    const redis = new Redis();
    test.after(() => redis.stop());
    await redis.start();
    const env = { PATH: process.env.PATH, REDIS_PORT: String(redis.port), TASKS: '1', PAUSE: '0' };
    await run('sh', ['deploy/worker.sh'], { env });
    const entries = (await redis.entries()).map(([, json]) => JSON.parse(json));
    assert.equal(entries.length, 11);
    assert.deepEqual([entries[0].progress, entries.at(-1).status], [0, 1000]);
    assert.ok(entries.every(({ identity, userIdentity }) => identity && userIdentity === '5'));
  });
});
