// The dashboards: made by the script that is here, readable at first sight, and asking for what there is.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { files } from '../../../../deploy/grafana/dashboards.mjs';
import { strangers } from './metrics.mjs';

const ROOT = fileURLToPath(new URL('../../../../', import.meta.url));
const FOLDER = join(ROOT, 'helm/carillon/files/dashboards');
const { PROMTOOL } = process.env;
const RECORDED = new Set([...readFileSync(join(ROOT, 'helm/carillon/files/rules/carillon.yaml'), 'utf8').matchAll(/record: (\S+)/g)].map(([, name]) => name));
const DASHBOARDS = files().map(([name, made]) => ({ name, made, ...JSON.parse(made) }));
const QUERIES = DASHBOARDS.flatMap(({ name, panels }) =>
  panels.flatMap(({ title, targets }) => targets.map((target) => ({ where: `${name}: ${title}`, ...target }))));

describe('the dashboards', () => {
  it('are what the script makes', () => {
    assert.deepEqual(readdirSync(FOLDER).sort(), DASHBOARDS.map(({ name }) => name).sort());
    for (const { name, made } of DASHBOARDS) assert.equal(readFileSync(join(FOLDER, name), 'utf8'), made, `${name}: node deploy/grafana/dashboards.mjs`);
  });

  it('let the data source, the namespace, the job and the pod be chosen', () => {
    for (const { name, templating } of DASHBOARDS) {
      assert.deepEqual(templating.list.map((variable) => variable.name), ['datasource', 'namespace', 'job', 'pod'], name);
    }
  });

  it('have panels with a title of their own, a description and a unit, side by side', () => {
    for (const { name, panels } of DASHBOARDS) {
      assert.equal(new Set(panels.map(({ id }) => id)).size, panels.length, name);
      for (const { title, description, fieldConfig } of panels) assert.ok(title && description && fieldConfig.defaults.unit, `${name}: ${title}`);
      const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
        Array.from({ length: w * h }, (_, cell) => `${x + (cell % w)},${y + Math.floor(cell / w)}`));
      assert.equal(new Set(cells).size, cells.length, `${name}: panels overlap`);
      assert.ok(panels.every(({ gridPos: { x, w } }) => x + w <= 24), name);
    }
  });

  it('ask the data source that was chosen, of the nodes that were', () => {
    for (const { where, datasource, expr } of QUERIES) {
      assert.equal(datasource.uid, '${datasource}', where);
      assert.match(expr, /namespace=~"\$namespace", job=~"\$job"/, where);
    }
  });

  it('ask for metrics that there are', () => {
    for (const { where, expr } of QUERIES) {
      assert.deepEqual(strangers(expr), [], where);
      for (const [record] of expr.matchAll(/\bcarillon:\w+(:\w+)?/g)) assert.ok(RECORDED.has(record), `${where}: ${record}`);
    }
  });

  it('ask what Prometheus understands', { skip: PROMTOOL ? false : 'NOT TESTED, promtool is not here' }, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'carillon-dashboards-'));
    const file = join(folder, 'queries.json');
    const rules = QUERIES.map(({ expr }, index) => ({ record: `query:${index}`, expr: expr.replaceAll('$__rate_interval', '1m') }));
    writeFileSync(file, JSON.stringify({ groups: [{ name: 'queries', rules }] }));
    await promisify(execFile)(PROMTOOL, ['check', 'rules', file]);
    rmSync(folder, { recursive: true });
  });
});
