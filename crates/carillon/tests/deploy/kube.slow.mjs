// The chart on a real API server, under Pod Security restricted: installed, tested, changed, taken back, drained, removed.
// `cargo xtask kube` runs it, with KINDS naming the files of definitions.

import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { until } from '../clients/until.mjs';
import { Cluster } from './cluster.mjs';

const CHART = fileURLToPath(new URL('../../../../helm/carillon', import.meta.url));
const TOPOLOGIES = readdirSync(join(CHART, 'ci')).map((file) => file.replace('-values.yaml', '')).sort();
/** The definitions of what others bring to a cluster: routes, monitors, scalers. */
const KINDS = process.env.KINDS.split(':');

describe('the chart on a cluster', { timeout: 600_000 }, () => {
  const cluster = new Cluster();
  before(async () => {
    await cluster.start();
    await cluster.kubectl('apply', '--server-side', ...KINDS.flatMap((file) => ['-f', file]));
    await cluster.kubectl('wait', 'crd', '--all', '--for=condition=Established', '--timeout=60s');
  });
  after(() => cluster.stop());

  // Nothing runs in the pods, so there is nothing to wait for.
  const values = (topology) => ['-f', join(CHART, 'ci', `${topology}-values.yaml`), ...setting(['minReadySeconds=0'])];
  const setting = (pairs) => pairs.flatMap((pair) => ['--set', pair]);
  const waiting = ['--wait', '--timeout', '180s'];
  const image = async (namespace) => cluster.kubectl('-n', namespace, 'get', 'deployment', 'carillon', '-o',
    'jsonpath={.spec.template.metadata.annotations.checksum/settings}');

  describe('each topology', { concurrency: true }, () => {
    for (const topology of TOPOLOGIES) it(`${topology} is installed, tested, changed, taken back, and leaves nothing`, () => lives(topology));
  });

  async function lives(topology) {
    const namespace = `of-${topology}`;
    const helm = (command, ...more) => cluster.helm(command, 'carillon', ...more, '-n', namespace);
    await cluster.kubectl('create', 'namespace', namespace);
    await cluster.kubectl('label', 'namespace', namespace, 'pod-security.kubernetes.io/enforce=restricted');
    await helm('install', CHART, ...values(topology), ...waiting);
    const first = await image(namespace);
    const tested = await helm('test');
    // Where callers have to show certificates there is no test.
    if (topology !== 'sentinel') assert.match(tested, /Phase: +Succeeded/);

    await helm('upgrade', CHART, ...values(topology), ...setting(['config.limits.sockets=777']), ...waiting);
    assert.notEqual(await image(namespace), first);
    await helm('rollback', ...waiting);
    assert.equal(await image(namespace), first);

    await helm('uninstall', '--wait');
    const left = async () => {
      const kinds = 'all,secret,configmap,pdb,hpa,ingress,networkpolicy,httproute,podmonitor,servicemonitor,prometheusrule,scaledobject';
      const names = await cluster.kubectl('-n', namespace, 'get', kinds, '-o', 'name');
      return names.split('\n').filter((name) => name.includes('carillon'));
    };
    await until('the namespace to be empty', async () => (await left()).length === 0, 60_000);
  }

  it('keeps its values and its keys over an upgrade', async () => {
    const args = ['carillon', CHART, ...values('single'), '-n', 'default', ...waiting];
    const keys = () => cluster.kubectl('get', 'secret', 'carillon-api-keys', '-o', 'jsonpath={.data}');
    await cluster.helm('install', ...args);
    const made = await keys();
    // As docs/upgrade.md has it.
    await cluster.helm('upgrade', 'carillon', CHART, '--reset-then-reuse-values', '-n', 'default', ...waiting);
    assert.equal(await keys(), made);
    await cluster.helm('uninstall', 'carillon', '-n', 'default', '--wait');
  });

  it('is installed, tested, changed and removed by helm 3 as well', async () => {
    await cluster.kubectl('create', 'namespace', 'by-helm-3');
    const helm = (command, ...more) => cluster.helm3(command, 'carillon', ...more, '-n', 'by-helm-3');
    await helm('install', CHART, ...values('single'), ...waiting);
    assert.match(await helm('test'), /Phase: +Succeeded/);
    await helm('upgrade', CHART, ...values('single'), ...setting(['config.limits.sockets=777']), ...waiting);
    await helm('uninstall', '--wait');
  });

  it('loses one pod at a time when a node is drained', async () => {
    await cluster.kubectl('create', 'namespace', 'drained');
    await cluster.helm('install', 'carillon', CHART, ...values('cluster'), '-n', 'drained', ...waiting);
    // All on one node, so that the drain has more than one pod to move.
    await cluster.kubectl('cordon', 'node-2');
    await cluster.kubectl('cordon', 'node-3');
    await cluster.kubectl('-n', 'drained', 'rollout', 'restart', 'deployment/carillon');
    await cluster.kubectl('-n', 'drained', 'rollout', 'status', 'deployment/carillon', '--timeout=90s');
    await cluster.kubectl('uncordon', 'node-2', 'node-3');
    const drained = cluster.kubectl('drain', 'node-1', '--ignore-daemonsets', '--timeout=90s');
    let fewest = Infinity;
    let ended = false;
    drained.finally(() => { ended = true; }).catch(() => {});
    while (!ended) {
      const ready = await cluster.kubectl('-n', 'drained', 'get', 'deployment', 'carillon', '-o', 'jsonpath={.status.readyReplicas}');
      fewest = Math.min(fewest, Number(ready || 0));
    }
    await drained;
    assert.ok(fewest >= 2, `${fewest} of 3 were left`);
  });

  it('is refused where a pod would have more rights than it needs', async () => {
    await cluster.kubectl('create', 'namespace', 'strict');
    await cluster.kubectl('label', 'namespace', 'strict', 'pod-security.kubernetes.io/enforce=restricted');
    const install = cluster.helm('install', 'carillon', CHART, ...values('single'), '-n', 'strict', '--wait', '--timeout', '8s',
      ...setting(['podSecurityContext.runAsNonRoot=false', 'podSecurityContext.runAsUser=0']));
    await assert.rejects(install);
  });
});
