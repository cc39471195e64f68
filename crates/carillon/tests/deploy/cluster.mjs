// A real control plane on the loopback, with nodes that are played: objects are judged, scheduled, replaced and evicted as in
// any cluster, and nothing runs in a pod. The addresses of pods and services are from ranges for documentation.

import { execFile, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { freePorts } from '../clients/ports.mjs';
import { until, within } from '../clients/until.mjs';

const NODES = 3;
const { HELM, HELM_3, KUBECTL, KUBE_APISERVER, KUBE_CONTROLLER_MANAGER, KUBE_SCHEDULER, ETCD, KWOK } = process.env;

export class Cluster {
  #folder = mkdtempSync(join(tmpdir(), 'carillon-kube-'));
  #running = [];
  #kubeconfig = join(this.#folder, 'kubeconfig');

  async start() {
    const [api, store, peer, manager, scheduler, kubelets] = await freePorts(6);
    const at = (name) => join(this.#folder, name);
    const own = ['--kubeconfig', this.#kubeconfig, '--leader-elect=false', '--bind-address', '127.0.0.1', '--cert-dir', at('certs')];
    mkdirSync(at('certs'));
    execFileSync('openssl', ['genrsa', '-out', at('sa.key'), '2048'], { stdio: 'ignore' });
    writeFileSync(at('tokens.csv'), 'for-this-test,admin,admin,"system:masters"\n');
    writeFileSync(this.#kubeconfig, JSON.stringify({
      apiVersion: 'v1', kind: 'Config', 'current-context': 'it',
      clusters: [{ name: 'it', cluster: { server: `https://127.0.0.1:${api}`, 'insecure-skip-tls-verify': true } }],
      users: [{ name: 'it', user: { token: 'for-this-test' } }],
      contexts: [{ name: 'it', context: { cluster: 'it', user: 'it' } }],
    }));
    const storeUrl = `http://127.0.0.1:${store}`;
    this.#run(ETCD, ['--data-dir', at('etcd'), '--unsafe-no-fsync', '--log-level', 'error', '--listen-client-urls', storeUrl,
      '--advertise-client-urls', storeUrl, '--listen-peer-urls', `http://127.0.0.1:${peer}`,
      '--initial-advertise-peer-urls', `http://127.0.0.1:${peer}`, '--initial-cluster', `default=http://127.0.0.1:${peer}`]);
    this.#run(KUBE_APISERVER, ['--etcd-servers', storeUrl, '--bind-address', '127.0.0.1', '--secure-port', api,
      '--advertise-address', '127.0.0.1', '--endpoint-reconciler-type', 'none', '--cert-dir', at('certs'),
      '--token-auth-file', at('tokens.csv'), '--authorization-mode', 'RBAC', '--service-account-key-file', at('sa.key'),
      '--service-account-issuer', 'https://kubernetes.default.svc', '--service-account-signing-key-file', at('sa.key'),
      '--service-cluster-ip-range', '198.51.100.0/24', '--anonymous-auth=false']);
    await until('the API server to be ready', () => this.kubectl('get', '--raw', '/readyz').catch(() => null), 120_000);
    this.#run(KUBE_CONTROLLER_MANAGER, [...own, '--secure-port', manager, '--service-account-private-key-file', at('sa.key')]);
    this.#run(KUBE_SCHEDULER, [...own, '--secure-port', scheduler]);
    this.#run(KWOK, ['--kubeconfig', this.#kubeconfig, '--manage-all-nodes=false', '--node-ip', '127.0.0.1',
      '--manage-nodes-with-annotation-selector=kwok.x-k8s.io/node=fake', '--cidr', '203.0.113.0/24',
      '--server-address', `127.0.0.1:${kubelets}`, '--config', fileURLToPath(new URL('kubelet.yaml', import.meta.url))]);
    for (let node = 1; node <= NODES; node += 1) await this.apply(nodeNamed(`node-${node}`, `zone-${node}`));
    await this.kubectl('wait', 'node', '--all', '--for=condition=Ready', '--timeout=60s');
    await until('service accounts', () => this.kubectl('get', 'serviceaccount', 'default').catch(() => null), 60_000);
  }

  kubectl(...args) {
    return this.#ask(KUBECTL, args);
  }

  helm(...args) {
    return this.#ask(HELM, args);
  }

  helm3(...args) {
    return this.#ask(HELM_3, args);
  }

  async apply(object) {
    const file = join(this.#folder, 'object.json');
    writeFileSync(file, JSON.stringify(object));
    return this.kubectl('apply', '--server-side', '-f', file);
  }

  async stop() {
    // Last in, first out: whoever writes goes before what is written to.
    for (const child of this.#running.reverse()) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const exit = once(child, 'exit');
      child.kill('SIGTERM');
      await within('a part of the cluster to end', exit, 15_000).catch(() => child.kill('SIGKILL'));
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #run(program, args) {
    this.#running.push(spawn(program, args.map(String), { stdio: 'ignore' }));
  }

  async #ask(program, args) {
    const env = { ...process.env, KUBECONFIG: this.#kubeconfig, HELM_CACHE_HOME: this.#folder, HELM_CONFIG_HOME: this.#folder };
    const { stdout } = await promisify(execFile)(program, args, { env, maxBuffer: 16e6 });
    return stdout;
  }
}

function nodeNamed(name, zone) {
  const size = { cpu: '8', memory: '32Gi', pods: '110', 'ephemeral-storage': '100Gi' };
  const labels = { 'kubernetes.io/hostname': name, 'kubernetes.io/os': 'linux', 'kubernetes.io/arch': 'amd64',
    'topology.kubernetes.io/zone': zone };
  return { apiVersion: 'v1', kind: 'Node', metadata: { name, labels, annotations: { 'kwok.x-k8s.io/node': 'fake' } },
    status: { capacity: size, allocatable: size } };
}
