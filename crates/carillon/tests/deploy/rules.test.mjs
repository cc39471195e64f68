// The rules as Prometheus reads them: each alert fires when it should and not else (rules/carillon.test.yaml), and whoever it
// wakes finds a page that says what to do.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { strangers } from './metrics.mjs';

const ROOT = fileURLToPath(new URL('../../../../', import.meta.url));
const { PROMTOOL } = process.env;
const RULES = 'helm/carillon/files/rules/carillon.yaml';
const TESTS = 'crates/carillon/tests/deploy/rules/carillon.test.yaml';
const skip = PROMTOOL ? false : 'NOT TESTED, promtool is not here';
const run = (...args) => promisify(execFile)(PROMTOOL, args, { cwd: ROOT });
const text = (path) => readFileSync(join(ROOT, path), 'utf8');

/** What the rules say of each alert; one with two severities is there twice. */
const ALERTS = text(RULES).split('      - alert: ').slice(1).map((rule) => ({ name: /^\w+/.exec(rule)[0], rule }));
const NAMES = [...new Set(ALERTS.map(({ name }) => name))].sort();

describe('the rules', () => {
  it('are rules', { skip }, () => run('check', 'rules', RULES));

  it('fire when they should, clear, and are silent else', { skip }, () => run('test', 'rules', TESTS));

  it('go by metrics that there are', () => assert.deepEqual(strangers(text(RULES)), []));
});

describe('each alert', () => {
  it('is there', () => assert.ok(NAMES.length >= 20, `${NAMES.length}`));

  it('says how urgent it is, what is wrong, and where to read on', () => {
    for (const { name, rule } of ALERTS) {
      assert.match(rule, /labels: \{ severity: (critical|warning|info) \}/, name);
      assert.match(rule, /summary: ".+"\n +description: ".+"\n/, name);
      assert.ok(rule.includes(`runbook_url: docs/runbooks/${name}.md\n`), name);
    }
  });

  it('is made to fire in a test', () => {
    const made = text(TESTS);
    const untried = ALERTS.filter(({ name, rule }) =>
      !made.includes(`alertname="${name}", severity="${/severity: (\w+)/.exec(rule)[1]}"`));
    assert.deepEqual(untried.map(({ name }) => name), []);
  });

  it('has a runbook with all its parts, and no runbook is left over', () => {
    const pages = readdirSync(join(ROOT, 'docs/runbooks')).filter((file) => file !== 'README.md');
    assert.deepEqual(pages.sort(), NAMES.map((name) => `${name}.md`));
    for (const name of NAMES) {
      const page = text(`docs/runbooks/${name}.md`);
      const parts = [...page.matchAll(/^##? (.+)$/gm)].map(([, title]) => title);
      assert.deepEqual(parts, [name, 'Meaning', 'Impact', 'Check', 'Act', 'After'], name);
      assert.match(page, /```/, `${name}: commands`);
    }
  });

  it('has a runbook that goes by metrics and to pages that there are', () => {
    for (const name of NAMES) {
      const page = text(`docs/runbooks/${name}.md`);
      assert.deepEqual(strangers(page), [], name);
      for (const [, path] of page.matchAll(/\]\(([^)#]+)/g)) assert.ok(existsSync(join(ROOT, 'docs/runbooks', path)), `${name}: ${path}`);
    }
  });
});
