// What a task's page sees: no progress after an end, few of many, the newest of each when asked.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { node } from './carillon.mjs';
import { GENERATIONS, open } from './generations.mjs';
import { cancelled, complete, failed, progress } from './messages.mjs';
import { PlainSocket } from './plain.mjs';

const MANY = 10_000;
const FEW = 20;

const carillon = node();

describe('a task', { concurrency: 5 }, () => {
  const ENDS = { 'file.complete': complete, 'file.error': failed, 'file.cancel': cancelled };
  let user = 500;

  for (const [event, end] of Object.entries(ENDS)) {
    it(`shows no progress after ${event}, whatever the order handed in`, async (test) => {
      const own = `${user += 1}`;
      const pages = await enter(test, own);
      const step = (identity, percent) => progress(own, identity, percent);

      await carillon.handIn([step('in one', 10), end(own, 'in one'), step('in one', 20)]);
      await carillon.handIn([end(own, 'end first'), step('end first', 30)]);
      await carillon.handIn(end(own, 'apart'));
      const late = await carillon.handIn([step('apart', 40), end(own, 'apart'), step('end first', 50)]);
      assert.equal(late.after_final, 3);
      const lines = [step('lines', 60), end(own, 'lines'), step('lines', 70)];
      await carillon.handIn(lines.map((line) => JSON.stringify(line)).join('\n'), 'application/x-ndjson');
      await Promise.all([1, 2, 3, 4].flatMap((percent) => [
        carillon.handIn(step('raced', percent)), carillon.handIn(end(own, 'raced'))]));

      await carillon.handIn([step('marker', 1), complete(own, 'marker')]);
      const ended = ['in one', 'end first', 'apart', 'lines', 'raced'];
      for (const page of [...pages, ...await enter(test, own)]) {
        await page.notice('marker', 'file.complete');
        for (const identity of ended) endsWith(page, identity, event);
      }
    });
  }

  it(`shows ${MANY} progress messages handed in at once as few, the newest last`, async (test) => {
    const own = `${user += 1}`;
    const pages = await enter(test, own);
    const many = Array.from({ length: MANY }, (_, at) => progress(own, 'many', 1, { count: at + 1 }));
    const report = await carillon.handIn(many);
    assert.equal(report.accepted, MANY);
    assert.ok(report.superseded >= MANY - FEW, JSON.stringify(report));
    for (const page of pages) {
      await page.notice('many', 'file.progress', ({ data }) => data.count === MANY);
      await carillon.handIn(complete(own, `after ${page}`));
      await page.notice(`after ${page}`, 'file.complete');
      const counts = page.notices('many').map(({ data }) => data.count);
      assert.ok(counts.length <= FEW, `${page} heard ${counts.length}`);
      assert.deepEqual(counts, [...counts].sort((a, b) => a - b));
      assert.equal(counts.at(-1), MANY);
    }
  });

  it('shows versions in their order, not in that of their arrival', async (test) => {
    const own = `${user += 1}`;
    const pages = await enter(test, own);
    for (const version of [1, 3, 2]) {
      await carillon.handIn(progress(own, 'versions', version, { version }));
    }
    await carillon.handIn(complete(own, 'marker'));
    for (const page of pages) {
      await page.notice('marker', 'file.complete');
      const versions = page.notices('versions').map(({ data }) => data.version);
      assert.equal(versions.at(-1), 3);
      assert.ok(!versions.includes(2), `${page} heard ${versions}`);
    }
  });

  it('is answered in its newest state, live or ended, when `tasks` is asked with an ack', async (test) => {
    const own = `${user += 1}`;
    const [live, ended] = [progress(own, 'live', 20), complete(own, 'ended')];
    await carillon.handIn([progress(own, 'live', 10), progress(own, 'ended', 90)]);
    await carillon.handIn([live, ended]);
    for (const page of await enter(test, own)) assertNewest(await page.ask('tasks'), [live, ended]);
    const plain = await PlainSocket.open(carillon.url, `namespace=/notice&user=${own}`);
    test.after(() => plain.close());
    const answer = await plain.ask('tasks', [], 7);
    assertNewest(answer.args, [live, ended]);
  });
});

/** A page of each generation, connected as that user. */
async function enter(test, user) {
  const pages = GENERATIONS.map((generation) => open({
    generation, namespace: '/notice', query: `user=${user}`, url: carillon.url,
  }, (end) => test.after(end)));
  await Promise.all(pages.map((page) => page.connected()));
  return pages;
}

function endsWith(page, identity, event) {
  const events = page.notices(identity).map((notice) => notice.event);
  const end = events.indexOf(event);
  assert.ok(end >= 0, `${page} heard no end of ${identity}: ${events}`);
  assert.ok(events.slice(end).every((name) => name === event), `${page} heard of ${identity}: ${events}`);
}

/** The ack's only argument: one entry for each task, with the worker's JSON in it. */
function assertNewest(answers, states) {
  assert.equal(answers.length, 1);
  const [tasks] = answers;
  assert.equal(tasks.length, states.length, JSON.stringify(tasks));
  for (const state of states) {
    const found = tasks.map((task) => task.data ?? task).find(({ identity }) => identity === state.identity);
    assert.deepEqual(found, state);
  }
}
