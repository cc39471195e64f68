// What a node counts of its clients: their packets by type, their bytes to the last one, and how long it takes to seat and to ask
// them.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Carillon } from './carillon.mjs';
import { RawSocket } from './raw.mjs';
import { until } from './until.mjs';

/** Waits until the node has counted exactly so much more of each than `before`. */
async function grown(carillon, before, wanted) {
  let grew;
  const all = async () => {
    const now = await carillon.metrics();
    grew = Object.keys(wanted).map((name) => [name, (now.get(name) ?? 0) - (before.get(name) ?? 0)]);
    return grew.every(([name, by]) => by === wanted[name]);
  };
  await until(() => `${JSON.stringify(wanted)}, of ${JSON.stringify(grew)}`, all);
}

const packets = (way, type) => `carillon_packets_${way}_total{type="${type}"}`;
/** A WebSocket frame of so short a text: from the server, and masked from the client. */
const framed = (text) => (text.length < 126 ? 2 : 4) + text.length;
const masked = (text) => 6 + text.length;

describe('a node counts', () => {
  const alone = async (test) => {
    const carillon = new Carillon();
    test.after(() => carillon.stop());
    await carillon.start();
    return carillon;
  };

  it('what goes over a WebSocket, by the packet and by the byte', async (test) => {
    const carillon = await alone(test);
    const raw = await RawSocket.enter(carillon.url);
    test.after(() => raw.socket.terminate());
    await raw.frame((text) => text.startsWith('42["downmsg"'));
    raw.send('420["tasks"]');
    await raw.frame((text) => text.startsWith('430'));
    await carillon.emit({ namespace: '/', event: 'news', args: ['x'.repeat(200)] });
    await raw.frame((text) => text.startsWith('42["news"'));
    await grown(carillon, new Map(), {
      [packets('sent', 'open')]: 1,
      [packets('sent', 'message')]: raw.frames.length - 1,
      [packets('received', 'message')]: 2,
      carillon_sent_bytes_total: raw.frames.map(framed).reduce((sum, bytes) => sum + bytes),
      carillon_received_bytes_total: masked('40') + masked('420["tasks"]'),
      carillon_handshake_seconds_count: 1,
    });
    const before = await carillon.metrics();
    raw.socket.close();
    await grown(carillon, before, { [packets('received', 'close')]: 1 });
  });

  it('what goes by polls, as their bodies', async (test) => {
    const carillon = await alone(test);
    const at = `${carillon.url}/socket.io/?EIO=4&transport=polling`;
    const open = await (await fetch(at)).text();
    const session = `${at}&sid=${JSON.parse(open.slice(1)).sid}`;
    await fetch(session, { method: 'POST', body: '40' });
    const welcome = await (await fetch(session)).text();
    await grown(carillon, new Map(), {
      [packets('sent', 'open')]: 1,
      [packets('sent', 'message')]: welcome.split('\x1e').length,
      [packets('received', 'message')]: 1,
      carillon_sent_bytes_total: open.length + welcome.length,
      carillon_received_bytes_total: 2,
    });
    const before = await carillon.metrics();
    await fetch(session, { method: 'POST', body: '1' });
    await grown(carillon, before, { [packets('received', 'close')]: 1 });
  });

  it('what a crowd is sent, each of it once', async (test) => {
    const carillon = await alone(test);
    const crowd = await Promise.all(Array.from({ length: 70 }, () => RawSocket.enter(carillon.url)));
    test.after(() => crowd.forEach((raw) => raw.socket.terminate()));
    await Promise.all(crowd.map((raw) => raw.frame((text) => text.startsWith('42["downmsg"'))));
    const before = await carillon.metrics();
    await carillon.emit({ namespace: '/', event: 'news', args: [] });
    await Promise.all(crowd.map((raw) => raw.frame((text) => text === '42["news"]')));
    await grown(carillon, before, {
      [packets('sent', 'message')]: 70,
      carillon_sent_bytes_total: 70 * framed('42["news"]'),
      'carillon_deliveries_total{transport="websocket"}': 70,
      carillon_delivery_seconds_count: 70,
    });
  });

  it('how long a socket takes to answer, and what it is a member of', async (test) => {
    const carillon = await alone(test);
    const raw = await RawSocket.enter(carillon.url, { namespace: '/notice', user: '5' });
    test.after(() => raw.socket.terminate());
    const before = await carillon.metrics();
    const asked = carillon.emit({ namespace: '/notice', to: { user: '5' }, event: 'question', args: [], ack: { timeout: '10s' } });
    const question = await raw.frame((text) => text.endsWith('["question"]'));
    raw.send(question.replace('42', '43').replace('["question"]', '[1]'));
    assert.equal((await asked).missing, 0);
    await grown(carillon, before, { carillon_ack_seconds_count: 1 });
    const joined = await carillon.post('/v1/sockets/join', { namespace: '/notice', user: '5', rooms: ['a', 'b'] });
    assert.equal(joined.status, 200);
    // Everyone of the namespace and the user are no rooms.
    await grown(carillon, new Map(), { carillon_audiences: 4, carillon_rooms: 2, carillon_memberships: 4 });
    raw.socket.close();
    await grown(carillon, new Map(), { carillon_audiences: 0, carillon_rooms: 0, carillon_memberships: 0 });
  });
});
