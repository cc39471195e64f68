// What a run came to: sent, accepted, delivered, repeated, lost and late, in all, per fault and per road. Pure.

import { LATE_MS, Model } from './model.mjs';

const COUNTS = ['sent', 'accepted', 'owed', 'delivered', 'repeated', 'lost', 'late'];

/**
 * `steps` are those of the schedule with what came of them: `began` and `ended`, by the clock of the model. An end counts
 * under each fault during which it was handed in, and under `quiet` where there was none.
 */
export function report({ model, steps, ...about }) {
  const ends = [...model.tasks.values()].filter(({ sent }) => sent !== null);
  const lost = model.missing();
  const rows = ends.map((task) => row(model, task, steps, lost));
  const table = {
    all: sum(rows),
    quiet: sum(rows.filter(({ during }) => during.length === 0)),
    faults: steps.map((step) => ({ ...step, ...sum(rows.filter(({ during }) => during.includes(step))) })),
    roads: Object.fromEntries([...new Set(ends.map(({ road }) => road))].sort()
      .map((road) => [road, sum(rows.filter(({ task }) => task.road === road))])),
  };
  const isWell = lost.length === 0 && model.faults.length === 0 && model.away().length === 0
    && table.all.accepted + (table.roads.channel?.sent ?? 0) === table.all.sent;
  return {
    ...about, isWell, pages: model.pages.size, returns: model.returns, recovered: model.recovered, gaps: model.gaps, takenBack: model.takenBack, orderFaults: model.faults.length, away: model.away().length, ...table,
  };
}

function row(model, task, steps, lost) {
  const during = steps.filter(({ began, ended }) => began && began <= task.accepted && task.sent <= (ended ?? Infinity));
  const until = Math.max(0, ...during.map(({ ended }) => ended ?? 0));
  const owed = model.owed(task);
  const has = model.pagesOf(task.user).map((page) => page.ends.get(task.identity)).filter(Boolean);
  const delays = task.accepted === null ? [] : has.map((heard) => Model.delay(task, heard));
  return {
    task, during, delays,
    sent: 1,
    accepted: task.accepted === null ? 0 : 1,
    owed: owed.length,
    delivered: has.length,
    repeated: has.reduce((sum, { times }) => sum + times - 1, 0),
    lost: lost.filter((miss) => miss.task === task).length,
    late: task.accepted === null ? 0
      : has.filter(({ first, connected }) => first - Math.max(task.accepted, connected, until) > LATE_MS).length,
  };
}

function sum(rows) {
  const counts = Object.fromEntries(COUNTS.map((name) => [name, rows.reduce((all, row) => all + row[name], 0)]));
  const delays = rows.flatMap((row) => row.delays).sort((one, other) => one - other);
  const at = (share) => delays[Math.min(delays.length - 1, Math.floor(delays.length * share))] ?? null;
  return { ...counts, p50: at(0.5), p99: at(0.99), max: delays.at(-1) ?? null };
}

const COLUMNS = [...COUNTS, 'p50', 'p99', 'max'];

/** The report as a table for people. */
export function table(report) {
  const seconds = (ms) => (ms / 1_000).toFixed(1);
  const name = ({ kind, node, began, ended, trouble }) => `${kind}${node === null ? '' : ` ${node + 1}`}`
    + ` (${seconds(began - report.began)} to ${ended ? seconds(ended - report.began) : '?'} s)${trouble ? ' !' : ''}`;
  const lines = [
    ['all', report.all],
    ['quiet', report.quiet],
    ...report.faults.map((fault) => [name(fault), fault]),
    ...Object.entries(report.roads).map(([road, counts]) => [`by ${road}`, counts]),
  ].map(([head, counts]) => [head, ...COLUMNS.map((column) => String(counts[column] ?? '-'))]);
  const all = [['', ...COLUMNS.map((column) => (column === 'p50' || column === 'p99' || column === 'max' ? `${column} ms` : column))], ...lines];
  const widths = all[0].map((_, index) => Math.max(...all.map((line) => line[index].length)));
  return all.map((line) => line.map((cell, index) => (index ? cell.padStart(widths[index]) : cell.padEnd(widths[index]))).join('  ')).join('\n');
}

/** What happened around the first ends that were lost and the first faults of order, in time. */
export function story({ model, steps, began, most = 5 }) {
  const seconds = (at) => `${((at - began) / 1_000).toFixed(3).padStart(8)} s`;
  const said = [];
  const tell = (head, page, task) => {
    const events = [
      ...steps.flatMap((step) => [
        { at: step.began, what: `begins: ${step.kind}${step.node === null ? '' : ` ${step.node + 1}`}` },
        ...(step.ended ? [{ at: step.ended, what: `over: ${step.kind}${step.node === null ? '' : ` ${step.node + 1}`}` }] : []),
      ]),
      ...(page?.story ?? []).filter(({ identity }) => !identity || identity === task.identity)
        .map(({ at, what }) => ({ at, what: `the page: ${what}` })),
      { at: task.sent, what: 'its end is handed in' }, { at: task.accepted, what: 'its end is accepted' },
    ];
    said.push(head, ...events.filter(({ at }) => at).sort((one, other) => one.at - other.at).map(({ at, what }) => `${seconds(at)}  ${what}`), '');
  };
  for (const { page, task } of model.missing().slice(0, most)) {
    tell(`LOST: ${task.identity} of ${task.user} by ${task.road} at ${page.name} (${page.about})`, page, task);
  }
  for (const { what, page: name, identity, at, id } of model.faults.slice(0, most)) {
    const page = model.pages.get(name);
    const task = model.tasks.get(identity);
    tell(`WRONG: ${what}, of ${identity} (${task?.road}) at ${name} (${page?.about}), ${seconds(at)}, ${id}`, page, task ?? { identity });
  }
  return said.join('\n');
}
