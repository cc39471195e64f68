// The peer: a stock Socket.IO server on Node as its documentation builds one, with the Redis
// adapter where a Redis is named, and every setting as it comes.
//
// Arguments: the address for sockets, the address for `POST /emit` and `POST /users`, and a Redis URL if there are
// several of these. With TLS_CERT and TLS_KEY in its environment, two PEM files, sockets come by TLS. `POST /emit` takes the body of carillon's `POST /v1/emit`, as far as it names
// a namespace, a user or a room, an event and its data; `POST /users` takes several, a line each. A user is a room like any other.

import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createServer as createSecureServer } from "node:https";
import { createAdapter } from "@socket.io/redis-adapter";
import { createClient } from "redis";
import { Server } from "socket.io";

const [publicAddress, publishAddress, redisUrl] = process.argv.slice(2);
if (!publishAddress) {
  console.error("usage: server.js PUBLIC PUBLISH [REDIS]");
  process.exit(64);
}

const { TLS_CERT, TLS_KEY } = process.env;
const sockets = TLS_CERT
  ? createSecureServer({ cert: readFileSync(TLS_CERT), key: readFileSync(TLS_KEY) })
  : createServer();
const io = new Server(sockets);
if (redisUrl) {
  const publisher = createClient({ url: redisUrl });
  const subscriber = publisher.duplicate();
  for (const client of [publisher, subscriber]) {
    client.on("error", (error) => console.error(error));
    await client.connect();
  }
  io.adapter(createAdapter(publisher, subscriber));
}
io.of("/notice").on("connection", (socket) => socket.join(socket.handshake.auth.user));

const emits = createServer((request, response) => {
  const chunks = [];
  request.on("data", (chunk) => chunks.push(chunk));
  request.on("end", () => {
    const body = Buffer.concat(chunks).toString();
    const emits = request.url === "/users" ? body.trimEnd().split("\n") : [body];
    response.statusCode = Math.max(...emits.map(emit));
    response.end();
  });
});

/** Sends what the body asks for, and answers the HTTP status. */
function emit(body) {
  try {
    const { namespace, to, event, data } = JSON.parse(body);
    const room = to?.user ?? to?.room;
    const everyone = io.of(namespace);
    (room === undefined ? everyone : everyone.to(room)).emit(event, data);
    return 200;
  } catch {
    return 400;
  }
}

listen(sockets, publicAddress);
listen(emits, publishAddress);
process.on("SIGTERM", () => process.exit(0));

function listen(server, address) {
  const { hostname, port } = new URL(`http://${address}`);
  server.listen({ host: hostname, port, backlog: 1024 });
}
