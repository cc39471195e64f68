// The model sees what it is there for: each test spoils a run that is well in one place.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Model } from './model.mjs';

const ID = (seq) => `user:5@/notice:1-${seq}`;

/** A page that hears a task from its first step to its end, and again after a cut. `spoil` changes what happens. */
function run(spoil = (steps) => steps, { isVersioned = true, isRetried = false } = {}) {
  const model = new Model();
  model.opened('page', { user: '5', about: '', at: 0 });
  model.begun({ identity: 'task', user: '5', road: 'http', isVersioned });
  if (isRetried) model.retried('task');
  const heard = (at, rest) => () => model.heard('page', { at, identity: 'task', isReplayed: false, ...rest });
  const steps = {
    connect: () => model.connected('page', 1),
    first: heard(2, { step: 1, id: ID(1) }),
    second: heard(3, { step: 2, id: ID(2) }),
    sent: () => model.sent('task', 4),
    accepted: () => model.accepted('task', 5),
    end: heard(6, { isEnd: true, id: ID(3) }),
    cut: () => model.cut('page', 7, 'transport close'),
    back: () => model.connected('page', 8),
    again: heard(9, { isEnd: true, id: ID(3), isReplayed: true }),
  };
  const order = spoil(Object.keys(steps), steps, model, heard);
  for (const name of order) steps[name]();
  return model;
}

const whats = (model) => model.faults.map(({ what }) => what);
const without = (...names) => (order) => order.filter((name) => !names.includes(name));

describe('the model', () => {
  it('has nothing to say of a run that went well', () => {
    const model = run();
    assert.deepEqual(model.faults, []);
    assert.deepEqual(model.missing(), []);
    assert.equal(model.pages.get('page').ends.get('task').times, 2);
  });

  it('misses an end that was accepted and never came', () => {
    const [{ page, task }] = run(without('end', 'again')).missing();
    assert.deepEqual([page.name, task.identity], ['page', 'task']);
  });

  it('is content with an end that came only after the cut', () => {
    assert.deepEqual(run(without('end')).missing(), []);
  });

  it('owes nothing that was not accepted', () => {
    assert.deepEqual(run(without('end', 'again', 'accepted')).missing(), []);
  });

  it('owes nothing to a page that is away, and says that it is', () => {
    const model = run(without('end', 'again', 'back'));
    assert.deepEqual(model.missing(), []);
    assert.equal(model.away().length, 1);
  });

  it('owes nothing to a page that was closed', () => {
    const model = run(without('end', 'again'));
    model.closed('page');
    assert.deepEqual([model.missing(), model.away()], [[], []]);
  });

  it('owes a page that opens what was accepted a moment ago, and not what was long ago', () => {
    const late = (at) => {
      const model = run();
      model.opened('late', { user: '5', about: '', at });
      model.connected('late', at);
      return model.missing().length;
    };
    assert.deepEqual([late(50_000), late(100_000)], [1, 0]);
  });

  it('sees progress after the end, also after a cut', () => {
    assert.deepEqual(whats(run((order, steps, _, heard) => {
      steps.stale = heard(10, { step: 2, id: ID(2), isReplayed: true });
      return [...order, 'stale'];
    })), ['progress after the end']);
  });

  it('lets a failover unsay what was not accepted, and nothing that was', () => {
    const unsaid = (failover, accepted) => run((order, steps, model, heard) => {
      model.failedOver(failover);
      steps.accepted = () => model.accepted('task', accepted);
      steps.stale = heard(60_010, { step: 2, id: ID(2), isReplayed: true });
      return [...order, 'stale'];
    });
    assert.deepEqual([whats(unsaid(10, 5)), unsaid(10, 5).takenBack], [[], 1]);
    assert.deepEqual(whats(unsaid(50_000, 5)), ['progress after the end']);
  });

  it('sees progress that falls back', () => {
    const swapped = (order, steps, _, heard) => {
      steps.second = heard(3, { step: 0, id: ID(2) });
      return order;
    };
    assert.deepEqual(whats(run(swapped)), ['progress fell back from 1']);
    assert.deepEqual(whats(run(swapped, { isVersioned: false })), ['progress fell back from 1']);
    assert.deepEqual(whats(run(swapped, { isVersioned: false, isRetried: true })), []);
  });

  it('sees numbers out of order, and lets a new connection begin anew', () => {
    const swap = (order) => order.map((name) => ({ first: 'second', second: 'first' })[name] ?? name);
    assert.ok(whats(run(swap)).includes('number 1 after 2'));
    assert.deepEqual(whats(run((order, steps, _, heard) => {
      steps.again = heard(9, { isEnd: true, id: ID(3), isReplayed: false });
      steps.last = heard(10, { isEnd: true, id: ID(3), isReplayed: false });
      return [...order, 'last'];
    })), []);
  });

  it('sees an end that changes its id', () => {
    assert.deepEqual(whats(run((order, steps, _, heard) => {
      steps.again = heard(9, { isEnd: true, id: ID(4), isReplayed: true });
      return order;
    })), [`an end of two ids, ${ID(3)} before`]);
  });

  it('sees what was for somebody else', () => {
    const model = run();
    model.opened('stranger', { user: '6', about: '', at: 0 });
    model.heard('stranger', { at: 6, identity: 'task', isEnd: true, id: ID(3) });
    assert.deepEqual(whats(model), ['heard by somebody else']);
  });

  it('counts a delay from the later of acceptance and connection', () => {
    const model = run();
    const task = model.tasks.get('task');
    assert.equal(Model.delay(task, { first: 9, connected: 1 }), 4);
    assert.equal(Model.delay(task, { first: 9, connected: 8 }), 1);
  });
});
