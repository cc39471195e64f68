// What a schedule may hold.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ACTIONS } from './faults.mjs';
import { KINDS } from './kinds.mjs';
import { schedule } from './schedule.mjs';

const SEEDS = Array.from({ length: 200 }, (_, seed) => seed);
const overlap = (one, other) => one.at < other.at + other.lasts && other.at < one.at + one.lasts;
const pairs = (steps) => steps.flatMap((one, index) => steps.slice(index + 1).map((other) => [one, other]));

describe('a schedule', () => {
  it('is the same for the same seed, and another for another', () => {
    assert.deepEqual(schedule({ seed: 7, seconds: 60 }), schedule({ seed: 7, seconds: 60 }));
    assert.notDeepEqual(schedule({ seed: 7, seconds: 60 }), schedule({ seed: 8, seconds: 60 }));
  });

  it('ends everything within its time', () => {
    for (const seed of SEEDS) {
      for (const { at, lasts } of schedule({ seed, seconds: 40 })) assert.ok(at + lasts <= 40_000);
    }
  });

  it('does one thing at a time to a node and to Redis, and leaves two nodes', () => {
    for (const seed of SEEDS) {
      for (const [one, other] of pairs(schedule({ seed, seconds: 120 })).filter((pair) => overlap(...pair))) {
        const [its, others] = [KINDS[one.kind], KINDS[other.kind]];
        assert.ok(its.on !== 'redis' || others.on !== 'redis', `seed ${seed}: ${one.kind}, ${other.kind}`);
        assert.ok(one.node === null || one.node !== other.node, `seed ${seed}: ${one.kind}, ${other.kind}`);
        assert.ok(!its.takesAway || !others.takesAway, `seed ${seed}: ${one.kind}, ${other.kind}`);
      }
    }
  });

  it('comes to every kind within a few seeds', () => {
    const seen = new Set(SEEDS.slice(0, 5).flatMap((seed) => schedule({ seed, seconds: 60 }).map(({ kind }) => kind)));
    assert.deepEqual(Object.keys(KINDS).filter((kind) => !seen.has(kind)), []);
  });

  it('holds nothing that nobody knows how to do', () => {
    assert.deepEqual(Object.keys(ACTIONS).sort(), Object.keys(KINDS).sort());
  });
});
