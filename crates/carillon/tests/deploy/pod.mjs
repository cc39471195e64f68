// A pod of the chart, run by podman: what helm renders, as far as podman 4.3 can read it, with the ports on the loopback.

import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePorts } from '../clients/ports.mjs';
import { until } from '../clients/until.mjs';
import { ask, podman, said } from './containers.mjs';

const { HELM, CONTAINERS } = process.env;
const CHART = fileURLToPath(new URL('../../../../helm/carillon', import.meta.url));
const KEY = 'for-this-test-alone-secret';
const FILE = '/etc/carillon-settings/carillon.toml';

/** What podman 4.3 does not understand: a file of a volume by itself, a field left out, the address of a pod, one entry of a secret. */
const FOR_PODMAN = [
  ['/etc/carillon/carillon.toml, subPath: carillon.toml', '/etc/carillon-settings'],
  ['--config=/etc/carillon/carillon.toml', `--config=${FILE}`],
  [/secret:\n( +)secretName/g, 'secret:\n$1optional: false\n$1secretName'],
  [/secret: \{ secretName/g, 'secret: { optional: false, secretName'],
  ['valueFrom: { fieldRef: { fieldPath: status.podIP } }', 'value: 127.0.0.1'],
  ['$(POD_IP)', '127.0.0.1'],
  [/valueFrom: \{ secretKeyRef: \{ [^}]* \} \}/, `value: ${KEY}`],
];

export class Pod {
  #image;
  #topology;
  #secrets;
  #name;
  #ports = [];

  /** `secrets` has what the values of that topology name: the entries of each. */
  constructor(image, topology, secrets = {}) {
    [this.#image, this.#topology, this.#secrets] = [image, topology, secrets];
    this.#name = `${topology}-carillon`;
  }

  get url() {
    return `http://127.0.0.1:${this.#ports[0]}`;
  }

  get #container() {
    return `${this.#name}-pod-0-carillon`;
  }

  async start() {
    this.#ports = await freePorts(2);
    const secrets = { ...this.#secrets, keys: { keys: `it:publish+read+admin:${KEY}`, publish: KEY } };
    for (const [name, data] of Object.entries(secrets)) {
      const file = join(CONTAINERS, 'secret.json');
      // Podman writes into the volume what stands here, and decodes nothing.
      writeFileSync(file, JSON.stringify({ data }));
      await podman('secret', 'rm', name).catch(() => {});
      await podman('secret', 'create', name, file);
      rmSync(file);
    }
    let manifest = await this.#rendered('configmap', 'gateway-deployment');
    for (const [index, port] of [8000, 8001].entries()) {
      manifest = manifest.replace(`containerPort: ${port}`, `$&, hostIP: 127.0.0.1, hostPort: ${this.#ports[index]}`);
    }
    await this.#play('pod', manifest);
    await until('the pod to be ready', () => this.healthy().catch(() => false), 30_000);
  }

  /** The command that the image gives to whoever asks for its health. */
  async healthy() {
    await podman('exec', this.#container, '/usr/bin/carillon', 'healthcheck', `--config=${FILE}`);
    return true;
  }

  /** What the chart's own test says, in a pod of its own that knows the service by its name. */
  async probe() {
    const holder = await podman('pod', 'inspect', `${this.#name}-pod-0`, '--format', '{{.InfraContainerID}}');
    const address = await podman('inspect', holder, '--format', '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}');
    const manifest = await this.#rendered('tests/probe');
    const known = `spec:\n  hostAliases: [{ ip: "${address}", hostnames: [${this.#name}, ${this.#name}-internal] }]`;
    await this.#play('probe', manifest.replace('spec:', known));
    const container = `${this.#name}-probe-probe`;
    const code = await podman('wait', container);
    return { code: Number(code), said: await said(container) };
  }

  /** Hands in one message; whether it was accepted. */
  async handIn(message) {
    const answer = await fetch(`http://127.0.0.1:${this.#ports[1]}/v1/tasks`, { method: 'POST', body: JSON.stringify(message),
      headers: { 'content-type': 'application/json', authorization: `Bearer ${KEY}` } }).catch(() => null);
    return answer?.status === 202;
  }

  inspect(format) {
    return podman('inspect', this.#container, '--format', format);
  }

  /** What the kernel says of the process. */
  async status() {
    return ask('cat', `/proc/${await this.inspect('{{.State.Pid}}')}/status`);
  }

  /** The exit code after SIGTERM; who does not leave in the time that the chart gives is killed. */
  async terminate() {
    await podman('stop', '--time', '35', this.#container);
    return Number(await this.inspect('{{.State.ExitCode}}'));
  }

  async stop() {
    for (const pod of [`${this.#name}-probe`, `${this.#name}-pod-0`]) await podman('pod', 'rm', '--force', pod).catch(() => {});
    await podman('volume', 'prune', '--force');
  }

  async #rendered(...templates) {
    const [repository, tag] = this.#image.replace('localhost/', '').split(':');
    const sets = ['image.registry=localhost', `image.repository=${repository}`, `image.tag=${tag}`, 'service.port=8000',
      'apiKeys.existingSecret=keys', 'apiKeys.existingSecretKeys={keys}', 'apiKeys.probeKey=publish'];
    let manifest = await ask(HELM, 'template', this.#topology, CHART, '-f', join(CHART, 'ci', `${this.#topology}-values.yaml`),
      ...sets.flatMap((set) => ['--set', set]), ...templates.flatMap((name) => ['--show-only', `templates/${name}.yaml`]));
    for (const [was, is] of FOR_PODMAN) manifest = manifest.replace(was, is);
    return manifest;
  }

  async #play(what, manifest) {
    const file = join(CONTAINERS, `${this.#name}-${what}.yaml`);
    writeFileSync(file, manifest);
    await podman('play', 'kube', file);
  }
}
