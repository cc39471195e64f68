// Three nodes in use, a real Prometheus that asks them, and what we ship to look at them with.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';
import { files } from '../../../../deploy/grafana/dashboards.mjs';
import { Carillon } from '../clients/carillon.mjs';
import { until } from '../clients/until.mjs';
import { Redis } from '../workers/redis.mjs';
import { Bustle } from './bustle.mjs';
import { Prometheus } from './prometheus.mjs';

const PROGRAM = join(dirname(process.env.PROMTOOL ?? ''), 'prometheus');
const skip = process.env.PROMTOOL && existsSync(PROGRAM) ? false : 'NOT TESTED, Prometheus is not here';
const QUERIES = files().flatMap(([name, made]) => JSON.parse(made).panels.flatMap(({ title, targets }) => targets.map(({ expr }) =>
  ({ name, where: `${name}: ${title}`, expr: expr.replaceAll('$__rate_interval', '5s').replaceAll(/"\$(namespace|job|pod)"/g, '".+"') }))));
/** What has nothing to show while nothing is wrong, nobody is revoked and no file changes. */
const QUIET = ['Not passed on', 'Turned away by the API', 'Dead letters', 'Read again from the store', 'No room for', 'Signals lost',
  'Files read again', 'Revocations'];

describe('a cluster that is watched', { skip }, () => {
  const redis = new Redis();
  const prometheus = new Prometheus();
  const page = new AbortController();
  const files = mkdtempSync(join(tmpdir(), 'carillon-watched-'));
  const nodes = [];
  let bustle;

  before(async () => {
    await redis.start();
    const settings = { CARILLON_REDIS__URL: redis.ownUrl, CARILLON_UPLINK__STREAM: 'uplink' };
    nodes.push(...[settings, settings, { ...settings, ...papers(files) }].map((each) => new Carillon({ settings: each })));
    await Promise.all(nodes.map((node) => node.start()));
    await prometheus.start(PROGRAM, nodes.map(({ internal }) => new URL(internal).host));
    const [one, other, secure] = nodes;
    for (const { url } of [one, other]) await fetch(`${url}/events?namespace=/notice&user=5`, { signal: page.signal });
    bustle = new Bustle([one, other], secure);
    bustle.start();
  });
  afterEach((test) => test.passed === false && nodes.forEach((node) => node.tell(test.name)));
  after(async () => {
    await bustle.stop();
    page.abort();
    await prometheus.stop();
    await Promise.all(nodes.map((node) => node.stop()));
    await redis.stop();
    rmSync(files, { recursive: true });
  });

  const filled = async (queries) => {
    for (const { where, expr } of queries) {
      await until(() => `data for ${where}: ${expr}; ${bustle.fault}`, () => prometheus.series(expr), 30_000);
    }
  };
  const isOf = (titles) => ({ where }) => titles.some((title) => where.endsWith(`: ${title}`));

  it('fills every panel that is not of what goes wrong', () => filled(QUERIES.filter((query) => !isOf(QUIET)(query))));

  it('has fewer than 500 series a node', async () => {
    for (const node of nodes) assert.ok((await node.metrics()).size < 500, `${(await node.metrics()).size}`);
  });

  it('is asked nothing that Prometheus refuses', async () => {
    for (const { expr } of QUERIES) await prometheus.series(expr);
  });

  it('is judged by every rule, and nothing is wrong with it', async () => {
    const rules = await until('every rule to have been looked at', async () => {
      const all = await prometheus.rules();
      return all.length > 0 && all.every(({ health }) => health !== 'unknown') && all;
    });
    assert.deepEqual(rules.filter(({ health }) => health !== 'ok').map(({ name, lastError }) => [name, lastError]), []);
    assert.deepEqual(rules.filter(({ state }) => state === 'firing').map(({ name }) => name), []);
  });

  it('shows what a worker, a client and a caller do wrong', async () => {
    const [node] = nodes;
    await redis.ask('XADD', 'carillon:tasks', '*', 'json', 'no JSON');
    await fetch(`${node.internal}/v1/nodes`, { headers: { origin: 'http://elsewhere.example' } });
    const opened = await (await fetch(`${node.url}/socket.io/?EIO=4&transport=polling`)).text();
    const sid = JSON.parse(opened.slice(1)).sid;
    await fetch(`${node.url}/socket.io/?EIO=4&transport=polling&sid=${sid}`, { method: 'POST', body: '40\x1e43999[]' });
    await filled(QUERIES.filter(isOf(['Dead letters', 'Turned away by the API', 'Not passed on'])));
  });
});

/** The settings of a node that shows a certificate of its own making. */
function papers(folder) {
  const [cert, key] = ['cert.pem', 'key.pem'].map((name) => join(folder, name));
  execFileSync('openssl', ['req', '-x509', '-nodes', '-days', '365', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256',
    '-subj', '/CN=watched', '-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', key, '-out', cert], { stdio: 'ignore' });
  return { CARILLON_PUBLIC__TLS__CERT: cert, CARILLON_PUBLIC__TLS__KEY: key };
}
