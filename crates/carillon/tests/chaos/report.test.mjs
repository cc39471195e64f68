// What a report counts, and under which fault.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Model } from './model.mjs';
import { report, story, table } from './report.mjs';

const STEPS = [
  { kind: 'kill', node: 1, began: 100, ended: 200 },
  { kind: 'primary killed', node: null, began: 5_000, ended: 6_000, trouble: 'it would not' },
];

/** One page, and one end during the first fault that it hears, twice, or not at all. */
function run(isHeard) {
  const model = new Model();
  model.opened('page', { user: '5', about: '4.8 by polling', at: 0 });
  model.connected('page', 0);
  model.begun({ identity: 'task', user: '5', road: 'http', isVersioned: true });
  model.sent('task', 150);
  model.accepted('task', 160);
  for (const at of isHeard ? [170, 900] : []) model.heard('page', { at, identity: 'task', isEnd: true, id: 'u@/notice:1-1' });
  return { model, steps: STEPS, began: 0 };
}

describe('a report', () => {
  it('counts an end under the fault it met, and under no other', () => {
    const { all, quiet, faults, roads, isWell } = report(run(true));
    assert.deepEqual([all.sent, all.accepted, all.owed, all.delivered, all.repeated, all.lost, all.late, all.max], [1, 1, 1, 1, 1, 0, 0, 10]);
    assert.deepEqual([quiet.sent, faults[0].sent, faults[1].sent, roads.http.sent, isWell], [0, 1, 0, 1, true]);
  });

  it('says what was lost, by whom, and what had happened by then', () => {
    const lost = run(false);
    const told = report(lost);
    assert.deepEqual([told.all.lost, told.faults[0].lost, told.isWell], [1, 1, false]);
    assert.match(story(lost), /LOST: task of 5 by http at page \(4\.8 by polling\)[^]*begins: kill 2[^]*its end is accepted/);
  });

  it('is a table whose lines are as long as each other, and marks what could not be done', () => {
    const lines = table(report(run(true))).split('\n');
    assert.deepEqual([...new Set(lines.map((line) => line.length))].length, 1);
    assert.equal(lines.filter((line) => line.includes(' !')).length, 1);
  });
});
