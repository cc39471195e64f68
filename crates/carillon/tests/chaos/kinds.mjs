// What can happen: to what, for how long, and how much peace it needs afterwards. What is done then stands in faults.mjs.

/** Short ones end before anybody may take the node for dead; long ones after (LEASE_MS of the stage). */
export const KINDS = {
  kill: { on: 'node', lasts: [300, 3_000], takesAway: true },
  freeze: { on: 'node', lasts: [400, 1_500], takesAway: true },
  'freeze past its lease': { on: 'node', lasts: [6_000, 9_000], takesAway: true },
  restart: { on: 'node', lasts: [1_000, 3_000], takesAway: true, rest: 6_000 },
  'drain by hand': { on: 'node', lasts: [4_000, 5_000], takesAway: true, rest: 6_000 },

  'cut from Redis': { on: 'node', lasts: [200, 6_000] },
  'unheard by Redis': { on: 'node', lasts: [1_000, 8_000] },
  'far from Redis': { on: 'node', lasts: [3_000, 8_000] },
  'clients cut': { on: 'node', lasts: [50, 2_000] },
  'clients unheard': { on: 'node', lasts: [2_000, 10_000] },
  'far from clients': { on: 'node', lasts: [3_000, 8_000] },
  'clock of a node jumps': { on: 'node', lasts: [3_000, 8_000] },

  'primary killed': { on: 'redis', lasts: [4_000, 6_000], rest: 12_000 },
  'primary bounces': { on: 'redis', lasts: [100, 500], rest: 9_000 },
  'primary stands still': { on: 'redis', lasts: [300, 800], rest: 7_000 },
  'primary stands still, and is replaced': { on: 'redis', lasts: [5_000, 7_000], rest: 12_000 },
  'primary handed over': { on: 'redis', lasts: [500, 1_000], rest: 12_000 },
  'replica killed': { on: 'redis', lasts: [1_000, 4_000], rest: 8_000 },
  'sentinel killed': { on: 'redis', lasts: [2_000, 5_000], rest: 7_000 },
  'clock of Redis jumps': { on: 'redis', lasts: [3_000, 8_000], rest: 5_000 },

  'pages stop reading': { on: 'pages', lasts: [3_000, 9_000] },
  'dead clients': { on: 'pages', lasts: [4_000, 8_000] },
  'pages reloaded': { on: 'pages', lasts: [100, 1_000] },
};
