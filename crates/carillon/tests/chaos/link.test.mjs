// A link keeps what passes over it in order, whatever happens to its length.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { it } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { until } from '../clients/until.mjs';
import { Link } from './link.mjs';
import { freePorts } from '../clients/ports.mjs';

/** A link to a server that keeps what it is told, and a connection over it. */
async function linked(test) {
  const [far, near] = await freePorts(2);
  const there = { text: '', sockets: [] };
  const server = createServer((socket) => {
    there.sockets.push(socket);
    socket.on('error', () => {}).on('data', (bytes) => { there.text += bytes; });
  }).listen(far, '127.0.0.1');
  const link = new Link(far);
  await link.start(near);
  const socket = connect(near, '127.0.0.1');
  socket.on('error', () => {});
  await once(socket, 'connect');
  test.after(() => {
    socket.destroy();
    link.close();
    for (const one of there.sockets) one.destroy();
    server.close();
  });
  return { link, socket, there };
}

it('keeps everything in order while it grows longer and shorter, also where its process is slow', async (test) => {
  const { link, socket, there } = await linked(test);
  let sent = '';
  for (let n = 0; n < 200; n += 1) {
    if (n % 20 === 0) link.lengthen((n / 20) % 2 ? 0 : 15);
    socket.write(`${n} `);
    sent += `${n} `;
    // Held up, so that what is due and what just came meet.
    if (n % 30 === 0) for (const end = performance.now() + 20; performance.now() < end;);
    await pause(1);
  }
  await until('all of it', () => there.text.length === sent.length);
  assert.equal(there.text, sent);
});

it('hands nothing on while it is silent, and all of it afterwards', async (test) => {
  const { link, socket, there } = await linked(test);
  socket.write('a');
  await until('the first', () => there.text === 'a');
  link.silence();
  socket.write('b');
  await pause(50);
  assert.equal(there.text, 'a');
  link.heal();
  await until('the second', () => there.text === 'ab');
});

it('cuts who is there', async (test) => {
  const { link, socket } = await linked(test);
  link.cut();
  await until('the end', () => socket.destroyed);
});
