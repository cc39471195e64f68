// The peer without Socket.IO: a bare WebSocket server on Node, by the library that Socket.IO itself stands on. What is
// posted is sent to every socket as a text frame, and nothing is known of anybody.
//
// Arguments: the address for sockets, and the address for `POST /`, whose body is the message.

import { createServer } from "node:http";
import { WebSocketServer } from "ws";

const [publicAddress, publishAddress] = process.argv.slice(2);
if (!publishAddress) {
  console.error("usage: plain.js PUBLIC PUBLISH");
  process.exit(64);
}

const sockets = createServer();
const plain = new WebSocketServer({ server: sockets });

const posts = createServer((request, response) => {
  const chunks = [];
  request.on("data", (chunk) => chunks.push(chunk));
  request.on("end", () => {
    const message = Buffer.concat(chunks);
    for (const socket of plain.clients) socket.send(message, { binary: false });
    response.end();
  });
});

listen(sockets, publicAddress);
listen(posts, publishAddress);
process.on("SIGTERM", () => process.exit(0));

function listen(server, address) {
  const { hostname, port } = new URL(`http://${address}`);
  server.listen({ host: hostname, port, backlog: 1024 });
}
