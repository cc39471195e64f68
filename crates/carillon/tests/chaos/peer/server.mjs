// The peer: stock Socket.IO 4.8 with its connection state recovery, over the adapter that has it on several nodes. It
// takes ends by HTTP as a node of ours does, and says 202 when Redis and its replica have them.

import { createServer } from 'node:http';
import { createAdapter } from '@socket.io/redis-streams-adapter';
import { Redis } from 'ioredis';
import { Server } from 'socket.io';

const [open, own, name, ...ports] = process.argv.slice(2);
const REPLICA_MS = 1_000;
/** As recovery.window of ours. */
const WINDOW_MS = 120_000;
const PING_MS = 5_000;

const sentinels = ports.map((port) => ({ host: '127.0.0.1', port: Number(port) }));
const redis = new Redis({ sentinels, name, sentinelRetryStrategy: () => 200, retryStrategy: () => 200 });
redis.on('error', ({ message }) => console.log(`redis: ${message}`));

const http = createServer();
const io = new Server(http, {
  adapter: createAdapter(redis),
  connectionStateRecovery: { maxDisconnectionDuration: WINDOW_MS, skipMiddlewares: true },
  pingInterval: PING_MS,
  pingTimeout: PING_MS,
});
const notices = io.of('/notice');
notices.on('connection', (socket) => {
  if (!socket.recovered) socket.join(socket.handshake.auth.user ?? socket.handshake.query.user);
});

/** As docs/workers.md tells them apart. */
const eventOf = ({ status, errorCode }) => {
  if (errorCode !== undefined) return 'file.error';
  return { 100: 'file.progress', 1000: 'file.complete', '-1': 'file.cancel' }[status];
};

async function body(request) {
  const parts = [];
  for await (const part of request) parts.push(part);
  return Buffer.concat(parts).toString();
}

const internal = createServer(async (request, answer) => {
  if (request.url === '/readyz') return void answer.writeHead(redis.status === 'ready' ? 200 : 503).end();
  if (request.url !== '/v1/tasks' || request.method !== 'POST') return void answer.writeHead(404).end();
  const message = JSON.parse(await body(request));
  notices.to(message.userIdentity).emit(eventOf(message), message, { id: `peer-${message.identity}`, replayed: true });
  // On the connection by which it was published, so behind it.
  const replicas = await redis.wait(1, REPLICA_MS).catch(() => 0);
  if (replicas < 1) return void answer.writeHead(503).end();
  answer.writeHead(202, { 'content-type': 'application/json' }).end('{"accepted":1}');
});

http.listen(Number(open), '127.0.0.1');
internal.listen(Number(own), '127.0.0.1');
process.on('SIGTERM', () => io.close(() => process.exit(0)));
