// What is done for each kind of kinds.mjs: it begins, and what is answered ends it.

const DRAIN_MS = 3_000;
const SHARE = 15;
/** How far clocks jump, in seconds: less than what recovery.window leaves, or ends would rightly be forgotten. */
const JUMPS = [-30, -5, 5, 30];

const nodeOf = (stage, { node }) => stage.nodes[node];
const jumpOf = ({ chance }) => JUMPS[chance % JUMPS.length];
const farOf = ({ chance }) => 20 + (chance % 130);

/** A fault of a node's links: `act` on each of them, and healed afterwards. */
const onLinks = (linksOf, act) => async (stage, step) => {
  const links = linksOf(nodeOf(stage, step));
  for (const link of links) act(link, step);
  return () => links.forEach((link) => link.heal());
};
const back = (node) => node.back;
const front = (node) => [node.front];

/** Frozen, then resumed. */
const frozen = (chosen) => async (stage, step) => {
  const one = await chosen(stage, step);
  one.freeze();
  return () => one.thaw();
};

const jumped = (chosen) => async (stage, step) => {
  const one = await chosen(stage, step);
  one.clock.jump(jumpOf(step));
  return () => one.clock.jump(0);
};

/** Redis is hit only while it is whole: two failures at once are not what it promises to survive. */
const primaryOf = async ({ fleet }) => {
  await fleet.inSync();
  return fleet.primary();
};

const killed = (chosen) => async (stage, step) => {
  const one = await chosen(stage, step);
  await one.kill();
  return () => stage.fleet.startAgain(one);
};

async function restarted(node) {
  node.terminate();
  return async () => {
    await node.gone();
    await node.start();
  };
}

export const ACTIONS = {
  kill: async (stage, step) => {
    const node = nodeOf(stage, step);
    await node.kill();
    return () => node.start();
  },
  freeze: frozen(nodeOf),
  'freeze past its lease': frozen(nodeOf),
  restart: (stage, step) => restarted(nodeOf(stage, step)),
  'drain by hand': async (stage, step) => {
    const node = nodeOf(stage, step);
    // By its own port, since the others do not list a node whose lease has run out meanwhile.
    const { nodes } = await (await node.asked('/v1/nodes')).json();
    const own = nodes.find((listed) => listed.this);
    if (!own) throw new Error('the node does not list itself');
    const through = stage.nodes[(step.node + 1) % stage.nodes.length];
    const body = JSON.stringify({ over: `${DRAIN_MS}ms` });
    await through.asked(`/v1/nodes/${own.node}/drain`, { method: 'POST', body, headers: { 'content-type': 'application/json' } });
    return async () => (await restarted(node))();
  },

  'cut from Redis': onLinks(back, (link) => link.cut()),
  'unheard by Redis': onLinks(back, (link) => link.silence()),
  'far from Redis': onLinks(back, (link, step) => link.lengthen(farOf(step))),
  'clients cut': onLinks(front, (link) => link.cut()),
  'clients unheard': onLinks(front, (link) => link.silence()),
  'far from clients': onLinks(front, (link, step) => link.lengthen(farOf(step))),
  'clock of a node jumps': jumped(nodeOf),

  'primary killed': killed(primaryOf),
  'primary bounces': killed(primaryOf),
  'primary stands still': frozen(primaryOf),
  'primary stands still, and is replaced': frozen(primaryOf),
  'primary handed over': async ({ fleet }) => {
    await fleet.inSync();
    await fleet.handOver();
    return () => {};
  },
  'replica killed': killed(async ({ fleet }) => {
    await fleet.inSync();
    return fleet.replica();
  }),
  'sentinel killed': async ({ fleet }, { chance }) => {
    const sentinel = fleet.sentinels[chance % fleet.sentinels.length];
    await sentinel.kill();
    return () => sentinel.startAgain();
  },
  'clock of Redis jumps': jumped(primaryOf),

  'pages stop reading': async ({ swarms }, { chance }) => {
    swarms.pause(chance % SHARE, SHARE);
    return () => swarms.resume();
  },
  'dead clients': async ({ swarms }) => {
    swarms.haunt();
    return () => swarms.exorcise();
  },
  'pages reloaded': async ({ swarms }, { chance }) => {
    swarms.reload(chance % SHARE, SHARE);
    return () => {};
  },
};
