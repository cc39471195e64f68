// A Prometheus of the test's own, which asks nodes and judges them by the shipped rules.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePorts } from '../clients/ports.mjs';
import { until, within } from '../clients/until.mjs';

const RULES = fileURLToPath(new URL('../../../../helm/carillon/files/rules/*.yaml', import.meta.url));

/** So that a test need not wait. */
const FAST = { scrape_interval: '200ms', scrape_timeout: '200ms', evaluation_interval: '500ms' };

export class Prometheus {
  #folder = mkdtempSync(join(tmpdir(), 'carillon-prometheus-'));
  #child = null;
  #url = '';

  /** `targets` are the internal addresses of nodes. */
  async start(program, targets, pace = FAST) {
    const [port] = await freePorts(1);
    this.#url = `http://127.0.0.1:${port}`;
    const config = join(this.#folder, 'prometheus.yml');
    writeFileSync(config, JSON.stringify({
      global: pace,
      rule_files: [RULES],
      scrape_configs: [{ job_name: 'carillon', static_configs: [{ targets, labels: { namespace: 'test' } }],
        relabel_configs: [{ source_labels: ['__address__'], target_label: 'pod' }] }],
    }));
    this.#child = spawn(program, ['--config.file', config, '--storage.tsdb.path', join(this.#folder, 'data'),
      '--web.listen-address', `127.0.0.1:${port}`, '--log.level', 'error'], { stdio: 'inherit' });
    this.#child.on('error', () => {});
    await until('Prometheus to be ready', () => fetch(`${this.#url}/-/ready`).then((answer) => answer.ok, () => false), 30_000);
  }

  /** How many series an expression has now. An expression that Prometheus refuses is an error. */
  async series(expr) {
    const { status, error, data } = await this.#ask(`query?query=${encodeURIComponent(expr)}`);
    if (status !== 'success') throw new Error(`${error}: ${expr}`);
    return data.result.length;
  }

  async rules() {
    return (await this.#ask('rules')).data.groups.flatMap((group) => group.rules);
  }

  /** Those whose condition holds: `{ labels, state }`, where the state is `pending` or `firing`. */
  async alerts() {
    return (await this.#ask('alerts')).data.alerts;
  }

  async stop() {
    const exit = once(this.#child, 'exit');
    this.#child.kill('SIGTERM');
    await within('Prometheus to end', exit).catch(() => this.#child.kill('SIGKILL'));
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #ask(path) {
    return (await fetch(`${this.#url}/api/v1/${path}`)).json();
  }
}
