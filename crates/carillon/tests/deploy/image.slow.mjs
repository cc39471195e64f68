// deploy/Dockerfile as it stands, built from base images that are made here, and what came of it: what is in it, what of it
// scanners can read, and how it runs as the chart's own pod. `cargo xtask image` runs it.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { inflateSync } from 'node:zlib';
import { GENERATIONS, departure, open } from '../clients/generations.mjs';
import { complete } from '../clients/messages.mjs';
import { build, debian, podman, prepare, toolchain } from './containers.mjs';
import { Pod } from './pod.mjs';

const ROOT = fileURLToPath(new URL('../../../../', import.meta.url));
const IMAGE = 'localhost/carillon:here';

describe('the image', { timeout: 3_000_000 }, () => {
  let root;
  before(async () => {
    prepare();
    const builder = await debian('apt', ['ca-certificates', 'nodejs', 'npm']);
    const bases = { RUST: await toolchain(builder), NODE: builder,
      BASE: await debian('extract', ['libc6', 'libgcc-s1', 'ca-certificates', 'tzdata', 'base-files']) };
    const args = Object.entries(bases).flatMap(([name, image]) => ['--build-arg', `${name}=${image}`]);
    await build([...args, '--file', 'deploy/Dockerfile', '--tag', IMAGE], ROOT);
    root = await podman('image', 'mount', IMAGE);
  });
  after(() => podman('image', 'umount', IMAGE));

  it('holds the node and the client for browsers, and runs as nobody in particular', async () => {
    const [{ Config: config, ...image }] = JSON.parse(await podman('image', 'inspect', IMAGE));
    assert.equal(config.User, '65532:65532');
    assert.deepEqual(config.Entrypoint, ['/usr/bin/carillon']);
    assert.deepEqual(image.Healthcheck.Test, ['CMD', '/usr/bin/carillon', 'healthcheck']);
    assert.equal(config.StopSignal, 'SIGTERM');
    assert.equal(config.Labels['org.opencontainers.image.title'], 'Carillon');
    assert.match(await podman('run', '--rm', '--network=none', IMAGE, '--version'), /^carillon \d/);
  });

  it('says in its binary which crates that is made of, as scanners read it', () => {
    const folder = mkdtempSync(join(tmpdir(), 'carillon-made-of-'));
    const notes = join(folder, 'notes');
    execFileSync('objcopy', ['-O', 'binary', '--only-section=.dep-v0', '--set-section-flags', '.dep-v0=alloc',
      join(root, 'usr/bin/carillon'), notes]);
    const { packages } = JSON.parse(inflateSync(readFileSync(notes)));
    rmSync(folder, { recursive: true });
    const names = packages.map(({ name }) => name);
    for (const name of ['carillon', 'tokio', 'rustls', 'fred']) assert.ok(names.includes(name), `${name} of ${names}`);
  });

  it('says which client for browsers it brings', () => {
    const client = JSON.parse(readFileSync(join(root, 'usr/share/carillon/package.json')));
    assert.equal(client.name, 'socket.io-client');
  });

  describe('as the pod of the chart', () => {
    const pod = new Pod(IMAGE, 'single');
    before(() => pod.start());
    after(() => pod.stop());

    it('has no right at all, and writes nowhere', async () => {
      const status = await pod.status();
      for (const set of ['Inh', 'Prm', 'Eff', 'Bnd', 'Amb']) assert.match(status, new RegExp(`Cap${set}:\\s0{16}`));
      assert.match(status, /Uid:\s65532\s65532/);
      assert.match(status, /NoNewPrivs:\s1/);
      assert.match(status, /Seccomp:\s2/);
      assert.equal(await pod.inspect('{{.HostConfig.ReadonlyRootfs}}'), 'true');
    });

    it("passes the chart's own test", () => passes(pod));

    it('drains on SIGTERM, and no client loses an end that was accepted', async (test) => {
      const pages = GENERATIONS.map((generation) =>
        open({ generation, namespace: '/notice', query: 'user=5', url: pod.url }, (end) => test.after(end)));
      await Promise.all(pages.map((page) => page.connected()));
      const accepted = [];
      let left = null;
      for (let task = 0; left === null || !left.isOver; task += 1) {
        if (await pod.handIn(complete('5', `task-${task}`))) accepted.push(`task-${task}`);
        if (task === 20) left = over(pod.terminate());
      }
      assert.equal(await left.code, 0);
      assert.ok(accepted.length > 20, `${accepted.length} were accepted`);
      for (const page of pages) {
        assert.deepEqual(accepted.filter((task) => page.notices(task).length === 0), [], `${page} heard ${page.story()}`);
        assert.equal(page.named(departure(page.generation))[0]?.args[0].reason, 'drain', page.story());
      }
    });
  });

  describe('as a pod that speaks TLS itself', () => {
    const pod = new Pod(IMAGE, 'tls', { 'push-tls': papers('push.example.com'), 'push-internal-tls': papers('push-internal') });
    before(() => pod.start());
    after(() => pod.stop());

    it("passes the chart's own test, whatever names its certificates have", () => passes(pod));
  });

  async function passes(pod) {
    const { code, said } = await pod.probe();
    assert.equal(code, 0, said);
    assert.match(said, /polling: the notice came[^]*websocket: the notice came/);
  }
});

/** What comes of a promise, and whether it has. */
function over(code) {
  const state = { code, isOver: false };
  code.finally(() => { state.isOver = true; }).catch(() => {});
  return state;
}

/** The entries of a secret of type kubernetes.io/tls. */
function papers(name) {
  const folder = mkdtempSync(join(tmpdir(), 'carillon-papers-'));
  const [cert, key] = ['tls.crt', 'tls.key'].map((file) => join(folder, file));
  execFileSync('openssl', ['req', '-x509', '-nodes', '-days', '2', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1',
    '-subj', `/CN=${name}`, '-addext', `subjectAltName=DNS:${name}`, '-keyout', key, '-out', cert], { stdio: 'ignore' });
  const entries = { 'tls.crt': readFileSync(cert, 'utf8'), 'tls.key': readFileSync(key, 'utf8') };
  rmSync(folder, { recursive: true });
  return entries;
}
