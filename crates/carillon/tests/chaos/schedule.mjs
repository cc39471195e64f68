// What happens when, for a seed. Pure: the same seed and length give the same schedule.

import { Chance } from './chance.mjs';
import { KINDS } from './kinds.mjs';

const NODES = 3;
/** All pages are there and the first ends are on their way before anything happens. */
const FIRST_MS = 3_000;
const GAP_MS = [800, 2_600];

/**
 * Steps `{ kind, at, lasts, node, chance }`, times in ms. Kinds are dealt as from a deck, so that all come before one
 * comes twice. One thing at a time happens to a node, and one to Redis; two nodes are never away at once.
 */
export function schedule({ seed, seconds }) {
  const chance = new Chance(seed);
  const taken = new Taken();
  const steps = [];
  let deck = [];
  for (let now = FIRST_MS; now < seconds * 1_000; now += chance.between(...GAP_MS)) {
    if (deck.length === 0) deck = chance.shuffled(Object.keys(KINDS));
    const step = dealt(deck, now, seconds * 1_000, taken, chance);
    if (step) steps.push(step);
  }
  return steps;
}

/** The first card of the deck that may lie where it would; those before it wait for their turn. */
function dealt(deck, at, end, taken, chance) {
  for (const [index, kind] of deck.entries()) {
    const { on, lasts: [least, most], rest = 2_000, takesAway = false } = KINDS[kind];
    const lasts = chance.between(least, most);
    const until = at + lasts + rest;
    const places = placesOf(on, takesAway).filter((place) => place.every((name) => taken.isFree(name, at)));
    if (places.length === 0 || at + lasts > end) continue;
    const place = chance.one(places);
    for (const name of place) taken.take(name, until);
    deck.splice(index, 1);
    return { kind, at, lasts, node: on === 'node' ? Number(place[0].at(-1)) : null, chance: chance.between(0, 999_999) };
  }
  return null;
}

/** What each choice would take: a node, and where it goes away, the one place among those who are away. */
function placesOf(on, takesAway) {
  if (on !== 'node') return [[on]];
  const nodes = Array.from({ length: NODES }, (_, index) => `node ${index}`);
  return nodes.map((node) => (takesAway ? [node, 'away'] : [node]));
}

class Taken {
  #until = new Map();

  isFree(name, at) {
    return (this.#until.get(name) ?? 0) <= at;
  }

  take(name, until) {
    this.#until.set(name, until);
  }
}
