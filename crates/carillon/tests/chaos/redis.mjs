// A primary, its replica and three sentinels, and who asks the sentinels where the primary is.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { until } from '../clients/until.mjs';
import { freePorts } from '../clients/ports.mjs';
import { Process } from './process.mjs';
import { Connection } from './resp.mjs';

export const SERVICE = 'bus';
const SENTINELS = 3;
const DOWN_AFTER_MS = 1_000;
/** No second failover begins before twice this. */
const FAILOVER_MS = 3_000;

export class Fleet {
  servers = [];
  sentinels = [];
  #folder;

  constructor(folder) {
    this.#folder = folder;
  }

  async start() {
    const ports = await freePorts(2 + SENTINELS);
    this.servers = ports.slice(0, 2).map((port, index) => new Server(`redis-${index}`, port, this.#folder));
    this.sentinels = ports.slice(2).map((port, index) => new Sentinel(`sentinel-${index}`, port, this.#folder));
    const [first, second] = this.servers;
    await first.start();
    await second.start(first.port);
    for (const sentinel of this.sentinels) await sentinel.start(first.port);
    const knows = async (sentinel) => {
      const told = await sentinel.ask('SENTINEL', 'MASTER', SERVICE);
      const of = (name) => told[told.indexOf(name) + 1];
      return of('num-slaves') === '1' && of('num-other-sentinels') === String(SENTINELS - 1);
    };
    await until('the sentinels to know each other', async () =>
      (await Promise.all(this.sentinels.map((sentinel) => knows(sentinel).catch(() => false)))).every(Boolean), 20_000);
    await this.inSync();
  }

  get ports() {
    return [...this.servers, ...this.sentinels].map(({ port }) => port);
  }

  /** What a node is told, by way of these ports instead of the sentinels' own. */
  static url([first, ...more]) {
    const nodes = more.map((port) => `&node=127.0.0.1:${port}`).join('');
    return `redis-sentinel://127.0.0.1:${first}?sentinelServiceName=${SERVICE}${nodes}`;
  }

  /** Where the first sentinel that answers says that the primary is. */
  async primaryPort() {
    for (const sentinel of this.sentinels) {
      const told = await sentinel.ask('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', SERVICE).catch(() => null);
      if (told) return Number(told[1]);
    }
    throw new Error('no sentinel answers');
  }

  async primary() {
    const port = await this.primaryPort();
    return this.servers.find((server) => server.port === port);
  }

  async replica() {
    const primary = await this.primary();
    return this.servers.find((server) => server !== primary);
  }

  /** As the start scripts of Redis charts do: it asks who is the primary now, and follows unless it is the one. */
  async startAgain(server) {
    const primary = await until('a sentinel to answer', () => this.primaryPort().catch(() => null));
    await server.start(primary === server.port ? null : primary);
  }

  async handOver() {
    await this.sentinels[0].ask('SENTINEL', 'FAILOVER', SERVICE);
  }

  /** Waits until the replica has what its primary has. */
  async inSync(patience = 20_000) {
    await until('the replica to follow', async () => {
      const told = await (await this.primary())?.ask('INFO', 'replication').catch(() => '') ?? '';
      return told.includes('role:master') && /slave0:.*state=online/.test(told);
    }, patience);
  }

  async stop() {
    await Promise.all([...this.sentinels, ...this.servers].map((one) => one.kill()));
  }
}

/** What a sentinel and a server have in common: a port, and an answer. */
class Answering extends Process {
  constructor(name, port, folder) {
    super('redis-server', { name, folder });
    this.port = port;
  }

  async ask(...words) {
    const connection = await Connection.open(this.port, 500);
    try {
      return await connection.ask(words, 1_000);
    } finally {
      connection.close();
    }
  }

  async answers() {
    await until(`${this.name} to answer`, () => this.ask('PING').catch((error) => error.message.startsWith('LOADING')));
  }
}

class Server extends Answering {
  #folder;

  constructor(name, port, folder) {
    super(name, port, folder);
    this.#folder = join(folder, name);
    mkdirSync(this.#folder);
  }

  /** With what it acknowledged before: it writes that down before it answers. Alone it takes nothing, as docs/redis.md advises. */
  async start(primaryPort = null) {
    const follow = primaryPort ? ['--replicaof', '127.0.0.1', primaryPort] : [];
    this.spawn(['--port', this.port, '--bind', '127.0.0.1', '--dir', this.#folder, '--save', '', '--appendonly', 'yes', '--appendfsync', 'always',
      '--repl-diskless-sync-delay', 0, '--repl-timeout', 5, '--min-replicas-to-write', 1, '--min-replicas-max-lag', 3, ...follow]);
    await this.answers();
  }
}

class Sentinel extends Answering {
  #file;

  constructor(name, port, folder) {
    super(name, port, folder);
    this.#file = join(folder, `${name}.conf`);
  }

  async start(primaryPort) {
    writeFileSync(this.#file, [`port ${this.port}`, 'bind 127.0.0.1', `sentinel monitor ${SERVICE} 127.0.0.1 ${primaryPort} 2`,
      `sentinel down-after-milliseconds ${SERVICE} ${DOWN_AFTER_MS}`, `sentinel failover-timeout ${SERVICE} ${FAILOVER_MS}`, ''].join('\n'));
    await this.startAgain();
  }

  /** With what it knew: it keeps that in its file. */
  async startAgain() {
    this.spawn([this.#file, '--sentinel']);
    await this.answers();
  }
}
