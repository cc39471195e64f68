// docker-compose.yml as it stands, run by podman: all its services but Grafana, of which Debian has no package. `cargo xtask
// image` runs it, after deploy/Dockerfile was built. The images of others are made here of Debian's packages.

import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { open } from '../clients/generations.mjs';
import { complete } from '../clients/messages.mjs';
import { until } from '../clients/until.mjs';
import { ask, debian, keepAddress, made, podman, prepare, said } from './containers.mjs';

const { CONTAINERS, PODMAN_COMPOSE } = process.env;
const FILE = fileURLToPath(new URL('../../../../docker-compose.yml', import.meta.url));
const NODES = ['gateway-1', 'gateway-2', 'gateway-3', 'ingest-1', 'ingest-2'];
const SERVICES = ['redis', ...NODES, 'haproxy', 'worker', 'prometheus'];
const PACKAGES = ['redis-server', 'redis-tools', 'dash', 'coreutils', 'haproxy', 'prometheus', 'tzdata', 'libc-bin'];

/** What those who publish these images have put into them. */
const IMAGES = {
  'docker.io/library/redis:7.4-bookworm': ['CMD ["redis-server"]'],
  'docker.io/library/haproxy:3.0': ['CMD ["haproxy", "-f", "/usr/local/etc/haproxy/haproxy.cfg"]'],
  'docker.io/prom/prometheus:v3.1.0': ['ENTRYPOINT ["prometheus"]',
    'CMD ["--config.file=/etc/prometheus/prometheus.yml", "--storage.tsdb.path=/tmp/prometheus"]'],
};

/** No more open files than this machine gives, and Debian's Redis listens to others as the published one does. */
const HERE = {
  services: {
    ...Object.fromEntries(NODES.map((node) => [node, { ulimits: { nofile: 4096, nproc: 4096 } }])),
    redis: { command: ['redis-server', '--appendonly', 'yes', '--maxmemory-policy', 'noeviction', '--protected-mode', 'no'] },
  },
};

const here = join(CONTAINERS, 'compose.here.yml');
const compose = (...args) => ask(PODMAN_COMPOSE, '-f', FILE, '-f', here, ...args);
const container = (service) => `carillon_${service}_1`;
const prometheus = async (path) => (await fetch(`http://127.0.0.1:9090/api/v1/${path}`)).json();
const healthy = (node) => podman('exec', container(node), '/usr/bin/carillon', 'healthcheck').then(() => true, () => false);

describe('docker-compose.yml', { timeout: 600_000 }, () => {
  before(async () => {
    prepare();
    const services = await debian('extract', PACKAGES);
    const empty = join(CONTAINERS, 'empty');
    mkdirSync(empty, { recursive: true });
    for (const [image, lines] of Object.entries(IMAGES)) {
      await made(image, [`FROM ${services}`, 'ENV PATH=/usr/sbin:/usr/bin:/sbin:/bin', ...lines], empty);
    }
    await podman('tag', 'localhost/carillon:here', 'localhost/carillon:latest');
    writeFileSync(here, JSON.stringify(HERE));
    await compose('down', '--volumes').catch(() => {});
    await compose('up', '--detach', 'redis');
    await keepAddress('carillon_default');
    await compose('up', '--detach', ...SERVICES);
    for (const node of NODES) await until(`${node} to be healthy`, () => healthy(node), 60_000);
  });
  afterEach((test) => test.passed === false && tell());
  after(() => compose('down', '--volumes'));

  /** What all of them said, for the reader of a failure. */
  async function tell() {
    for (const service of SERVICES) process.stderr.write(`--- ${service}:\n${(await said(container(service))).slice(-4_000)}\n`);
  }

  /** As browsers keep the cookie by which HAProxy finds the node of a poll, unless `options` say otherwise. */
  async function page(test, transport, options = { withCredentials: true }) {
    const target = { generation: '4.8', transport, namespace: '/notice', query: 'user=5', url: 'http://127.0.0.1:8080' };
    return open({ ...target, options }, (end) => test.after(end)).connected();
  }

  /** A task of the worker that is under way, from here to its end. */
  async function copy(page) {
    const { args: [begun] } = await page.event('file.progress', () => true, 20_000);
    return { begun, ended: () => page.notice(begun.identity, 'file.complete', () => true, 30_000) };
  }

  for (const transport of ['polling', 'websocket']) {
    it(`brings a copy of the worker from its progress to its end by ${transport} over HAProxy`, async (test) => {
      const { ended } = await copy(await page(test, transport));
      await ended();
    });
  }

  it('brings it to a client that polls and keeps no cookie', async (test) => {
    const { ended } = await copy(await page(test, 'polling', {}));
    await ended();
  });

  it('brings the end of a copy in the midst of which Redis is restarted', async (test) => {
    const { ended } = await copy(await page(test, 'websocket'));
    await podman('restart', '-t', '10', container('redis'));
    await ended();
  });

  it('sees that a gateway hangs, and that it goes on', async () => {
    const gateway = container('gateway-3');
    // Without systemd podman asks only when it is told to.
    const health = async () => {
      await podman('healthcheck', 'run', gateway).catch(() => {});
      return podman('inspect', gateway, '--format', '{{.State.Health.Status}}');
    };
    await until('a gateway to be healthy', async () => await health() === 'healthy', 60_000);
    const pid = Number(await podman('inspect', gateway, '--format', '{{.State.Pid}}'));
    process.kill(pid, 'SIGSTOP');
    try {
      await until('a frozen gateway to be unhealthy', async () => await health() === 'unhealthy', 60_000);
    } finally {
      process.kill(pid, 'SIGCONT');
    }
    await until('it to be healthy again', async () => await health() === 'healthy', 20_000);
  });

  it('passes its own probe', async () => {
    const said = await compose('--profile', 'tools', 'run', '--no-deps', '--rm', '-T', 'probe');
    assert.match(said, /polling: the notice came[^]*websocket: the notice came/);
  });

  it('shows all nodes to Prometheus, which has the rules', async () => {
    const up = async () => (await prometheus('query?query=up{job="carillon"}==1')).data.result.map(({ metric }) => metric.pod).sort();
    await until('Prometheus to see all nodes', async () => (await up()).join() === NODES.join(), 30_000);
    const rules = (await prometheus('rules')).data.groups.flatMap((group) => group.rules);
    assert.ok(rules.some(({ name }) => name === 'CarillonDown'));
    assert.deepEqual(rules.filter(({ health }) => health === 'err'), []);
  });

  it('loses no end for anybody while a gateway is restarted', async (test) => {
    const pages = await Promise.all(['polling', 'websocket', 'polling', 'websocket', 'polling', 'websocket'].map((it) => page(test, it)));
    const ends = [];
    const hand = async () => {
      const identity = `end-${ends.length}`;
      await podman('exec', container('redis'), 'redis-cli', 'XADD', 'carillon:tasks', '*', 'json', JSON.stringify(complete('5', identity)));
      ends.push(identity);
    };
    let isBack = false;
    const restarted = compose('restart', '-t', '40', 'gateway-2').finally(() => { isBack = true; });
    while (!isBack) await hand();
    await restarted;
    await hand();
    for (const page of pages) {
      const missing = () => ends.filter((identity) => page.notices(identity).length === 0);
      await until(() => `${page} to have ${missing()}: ${page.story()}`, () => missing().length === 0, 20_000);
    }
  });
});
