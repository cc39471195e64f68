// All that a run needs, started in order and ended in the other: Redis with sentinels, three nodes, HAProxy, pages, workers.

import { said } from '../clients/record.mjs';
import { Edge } from '../deploy/edges.mjs';
import { Node, Peer } from './node.mjs';
import { Fleet } from './redis.mjs';

const NODES = 3;
const LOOK_MS = 200;

export class Stage {
  fleet;
  nodes;
  edge = new Edge('haproxy');
  /** Ends that nobody asked for: `{ at, name, code }`. */
  lost = [];
  #looking = null;

  constructor(folder, { isPeer, isNative }) {
    this.fleet = new Fleet(folder);
    const Kind = isPeer ? Peer : Node;
    this.nodes = Array.from({ length: NODES }, (_, index) => new Kind(`node-${index + 1}`, folder, { isNative }));
  }

  async start() {
    await this.fleet.start();
    for (const one of [...this.nodes, ...this.fleet.servers, ...this.fleet.sentinels]) this.#watch(one);
    await Promise.all(this.nodes.map(async (node) => {
      await node.link(this.fleet.ports);
      await node.start();
    }));
    await this.edge.start(this.nodes.map((node) => [node.front.port, node.internalPort]));
  }

  /** Told of each primary after the first: `onPrimary`, called until `stop`. */
  watchPrimary(onPrimary) {
    let last = null;
    this.#looking = setInterval(async () => {
      const now = await this.fleet.primaryPort().catch(() => last);
      if (last !== null && now !== last) onPrimary(Date.now());
      last = now;
    }, LOOK_MS);
  }

  #watch(one) {
    const { onLost } = one;
    one.onLost = (code) => {
      this.lost.push({ at: Date.now(), name: one.name, code });
      onLost(code);
    };
  }

  /** By their ids, whatever state they are in. */
  async stop() {
    clearInterval(this.#looking);
    await this.edge.stop();
    await Promise.all(this.nodes.map((node) => node.kill()));
    for (const node of this.nodes) {
      node.close();
      if (node.pid) said(node.said);
    }
    await this.fleet.stop();
  }
}
