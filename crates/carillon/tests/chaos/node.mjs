// A node between its links: clients reach it over one, and it reaches each Redis over another, which is its own.

import { fileURLToPath } from 'node:url';
import { until } from '../clients/until.mjs';
import { Link } from './link.mjs';
import { freePorts } from '../clients/ports.mjs';
import { Process } from './process.mjs';
import { Fleet, SERVICE } from './redis.mjs';

/** How long a node that gives no sign counts as living: faults are shorter or longer than this. */
export const LEASE_MS = 4_000;
const START_MS = 40_000;
/** A node that cannot join its bus ends, and is started again by whoever runs it. */
const AGAIN_MS = 500;

const SETTINGS = {
  'redis.min_replicas_ack': 1,
  'public.ping_interval': '5s',
  'public.ping_timeout': '5s',
  'leases.node': `${LEASE_MS}ms`,
  'leases.login': `${LEASE_MS}ms`,
  'leases.channel': `${LEASE_MS}ms`,
  'ingest.claim_after': '5s',
  'limits.stall': '5s',
  'drain.grace': '6s',
  'drain.delay': '1s',
  'drain.ready_status': 404,
};

export class Node extends Process {
  /** Between the balancer and it. */
  front = null;
  /** Between it and each Redis and sentinel. */
  back = [];
  internalPort = 0;
  #publicPort = 0;
  #isNative;
  #isWanted = false;
  #again = null;

  constructor(name, folder, { isNative, program = process.env.CARILLON_BIN }) {
    super(program, { name, folder });
    this.#isNative = isNative;
    this.onLost = () => this.#startLater();
  }

  get internal() {
    return `http://127.0.0.1:${this.internalPort}`;
  }

  /** `ports` are those of the fleet. What the sentinels name comes to the node as its own links: their ports are as long. */
  async link(ports) {
    const [open, internal, front, ...own] = await freePorts(3 + ports.length);
    [this.#publicPort, this.internalPort] = [open, internal];
    const names = new Map(ports.map((port, index) => [String(port), String(own[index])]));
    const known = new RegExp([...names.keys()].join('|'), 'g');
    const rename = (bytes) => Buffer.from(bytes.toString('latin1').replace(known, (port) => names.get(port)), 'latin1');
    this.back = ports.map((port, index) => new Link(port, index < 2 ? {} : { rename }));
    this.front = new Link(open);
    await this.front.start(front);
    for (const [index, link] of this.back.entries()) await link.start(own[index]);
  }

  async start() {
    this.#isWanted = true;
    this.#spawn();
    await this.ready();
  }

  async ready() {
    await until(`${this.name} to be ready`, async () => (await this.asked('/readyz').catch(() => null))?.status === 200, START_MS);
  }

  asked(path, { patience = 3_000, ...options } = {}) {
    return fetch(this.internal + path, { ...options, signal: AbortSignal.timeout(patience) });
  }

  kill() {
    this.#isWanted = false;
    clearTimeout(this.#again);
    return super.kill();
  }

  terminate() {
    this.#isWanted = false;
    super.terminate();
  }

  close() {
    for (const link of [this.front, ...this.back]) link?.close();
  }

  #spawn() {
    const sentinels = this.back.slice(2).map(({ port }) => port);
    this.spawn(this.args({ open: this.#publicPort, internal: this.internalPort, sentinels }));
  }

  args({ open, internal, sentinels }) {
    const own = {
      ...SETTINGS,
      'recovery.native': this.#isNative,
      'public.addr': `127.0.0.1:${open}`,
      'internal.addr': `127.0.0.1:${internal}`,
      'ingest.consumer': this.name,
      'redis.url': Fleet.url(sentinels),
    };
    return ['serve', ...Object.entries(own).flatMap(([name, value]) => ['--set', `${name}=${value}`])];
  }

  #startLater() {
    if (this.#isWanted) this.#again = setTimeout(() => this.#spawn(), AGAIN_MS);
  }
}

/** The same place, taken by stock Socket.IO with its own recovery. */
export class Peer extends Node {
  constructor(name, folder) {
    super(name, folder, { program: process.execPath });
  }

  args({ open, internal, sentinels }) {
    return [fileURLToPath(new URL('peer/server.mjs', import.meta.url)), open, internal, SERVICE, ...sentinels];
  }
}
