// Ports below those that the system gives to outgoing connections: what is killed must find its own again.

import { once } from 'node:events';
import { createServer } from 'node:net';

const [LOWEST, HIGHEST] = [12_000, 32_000];
/** A port may be asked for once in a process. */
const given = new Set();

export async function freePorts(count) {
  const ports = [];
  while (ports.length < count) {
    const port = LOWEST + Math.floor(Math.random() * (HIGHEST - LOWEST));
    if (given.has(port) || !await isFree(port)) continue;
    given.add(port);
    ports.push(port);
  }
  return ports;
}

async function isFree(port) {
  const holder = createServer().listen(port, '127.0.0.1');
  const taken = once(holder, 'error').then(() => false);
  const held = once(holder, 'listening').then(() => new Promise((done) => holder.close(() => done(true))));
  return Promise.race([taken, held.catch(() => false)]);
}
