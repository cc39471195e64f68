// The proxies with the files that are shipped, each in front of three nodes: only addresses are put in.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePorts } from '../clients/ports.mjs';
import { until, within } from '../clients/until.mjs';

const FOLDER = new URL('../../../../deploy/', import.meta.url);
const NODES = 3;

/** What stands in front: the program, its arguments, and a cookie of someone who is known to it. */
export const EDGES = {
  haproxy: {
    program: process.env.HAPROXY,
    cookie: (client) => `carillon-node=node-${1 + (client % NODES)}`,
    prepare: () => ['-db', '-f', fileURLToPath(new URL('haproxy/haproxy.cfg', FOLDER))],
  },
  nginx: {
    program: process.env.NGINX,
    cookie: (client) => `carillon_node=known-${client}`,
    prepare(folder, nodes, port) {
      write(join(folder, 'carillon.conf'), placed('nginx/carillon.conf', nodes, [[/listen 8080/, `listen 127.0.0.1:${port}`]]));
      const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${folder}/${name};`);
      const main = `daemon off; pid ${folder}/pid; error_log stderr warn; events {}\n`
        + `http { access_log off; ${paths.join(' ')} include ${folder}/carillon.conf; }\n`;
      return ['-c', write(join(folder, 'nginx.conf'), main)];
    },
  },
  envoy: {
    program: process.env.ENVOY,
    cookie: (client) => `carillon-node=known-${client}`,
    prepare(folder, nodes, port) {
      const text = placed('envoy/envoy.yaml', nodes, [[/port_value: 8080/, `port_value: ${port}`]], (node) => [
        `address: 127.0.0.${node.at}, port_value: 8000 } }\n                  health_check_config: { port_value: 8001 }`,
        `address: 127.0.0.1, port_value: ${node.public} } }\n                  health_check_config: { port_value: ${node.internal} }`,
      ]);
      return ['-c', write(join(folder, 'envoy.yaml'), text), '--base-id', '77', '--log-level', 'error', '--concurrency', '1'];
    },
  },
};

function placed(file, nodes, more, pair = (node) => [`127.0.0.${node.at}:8000`, `127.0.0.1:${node.public}`]) {
  let text = readFileSync(new URL(file, FOLDER), 'utf8');
  // All at once under other names, since one's new address may be another's old one.
  const pairs = [...nodes.map(pair), ...more];
  pairs.forEach(([was], index) => {
    assert.notEqual(text.search(was), -1, `${file} holds no ${was}`);
    text = text.replace(was, `<${index}>`);
  });
  pairs.forEach(([, is], index) => { text = text.replace(`<${index}>`, is); });
  return text;
}

const write = (path, text) => (writeFileSync(path, text), path);

export class Edge {
  #edge;
  #child = null;
  #folder = null;
  #log = '';
  url = '';

  constructor(name) {
    this.#edge = EDGES[name];
  }

  /** `ports` has the public and the internal port of each node. */
  async start(ports) {
    const [port] = await freePorts(1);
    const nodes = ports.map(([open, internal], index) => ({ at: index + 1, public: open, internal }));
    this.#folder = mkdtempSync(join(tmpdir(), 'carillon-edge-'));
    const env = { ...process.env, LISTEN: `127.0.0.1:${port}` };
    for (const node of nodes) {
      env[`NODE_${node.at}`] = `127.0.0.1:${node.public}`;
      env[`HEALTH_${node.at}`] = String(node.internal);
    }
    this.#child = spawn(this.#edge.program, this.#edge.prepare(this.#folder, nodes, port), { env });
    const note = (text) => { this.#log = (this.#log + text).slice(-4_000); };
    this.#child.stdout.setEncoding('utf8').on('data', note);
    this.#child.stderr.setEncoding('utf8').on('data', note);
    this.#child.on('error', (error) => note(error.message));
    this.url = `http://127.0.0.1:${port}`;
    await until(() => `the edge to answer: ${this.#log}`, async () => {
      const answer = await fetch(`${this.url}/socket.io/?EIO=4&transport=polling`).catch(() => null);
      return answer?.status === 200;
    });
  }

  async stop() {
    if (this.#child !== null && this.#child.exitCode === null) {
      const exit = once(this.#child, 'exit');
      this.#child.kill('SIGTERM');
      await within('the edge to be gone', exit).catch(() => this.#child.kill('SIGKILL'));
    }
    if (this.#folder) rmSync(this.#folder, { recursive: true });
  }
}
