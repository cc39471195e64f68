// Faults that a review found and proved, each held here by the way in which it showed itself.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { Agent, get } from 'node:http';
import { describe, it } from 'node:test';
import { node } from './carillon.mjs';
import { complete } from './messages.mjs';
import { RawPolling, RawSocket } from './raw.mjs';
import { until } from './until.mjs';

const QUEUE_BYTES = 64 * 1024;
const SOCKETS = 40;

const carillon = node({
  settings: {
    CARILLON_LIMITS__QUEUE_BYTES: String(QUEUE_BYTES),
    CARILLON_LIMITS__SOCKETS: String(SOCKETS),
    CARILLON_LIMITS__STALL: '2s',
    CARILLON_PUBLIC__PING_INTERVAL: '1s',
    CARILLON_PUBLIC__PING_TIMEOUT: '1s',
  },
});

const seated = (user) => carillon.sockets(`?user=${user}`);

describe('a node in trouble', () => {
  it('sends a snapshot that is larger than a queue may be', async () => {
    const pad = 'x'.repeat(QUEUE_BYTES / 2);
    const identities = ['a', 'b', 'c', 'd', 'e', 'f'];
    await carillon.handIn(identities.map((identity) => complete(801, identity, { pad })));
    const polling = await RawPolling.enter(carillon.url, { namespace: '/notice', user: '801' });
    const heard = () => identities.every((identity) =>
      polling.bodies.some((body) => body.includes(`"identity":"${identity}"`)));
    while (!heard()) assert.equal((await polling.poll()).status, 200);
    assert.equal(await carillon.count('carillon_departures_total', 'slow'), 0);
  });

  it('pings a client that never stops talking', async () => {
    const pings = [];
    const raw = await RawSocket.enter(carillon.url, { namespace: '/notice', user: '802' });
    raw.socket.on('message', (data) => data.toString() === '2' && pings.push(data));
    const chatter = setInterval(() => raw.send('42/notice,["chatter"]'), 20);
    try {
      await until('three pings', () => pings.length >= 3);
    } finally {
      clearInterval(chatter);
      raw.close();
    }
  });

  it('seats no more than its limit, though one connection asks for them all', async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const statuses = [];
    for (let i = 0; i < 2 * SOCKETS; i += 1) {
      const request = get(`${carillon.url}/socket.io/?EIO=4&transport=polling`, { agent });
      const [response] = await once(request, 'response');
      response.resume();
      await once(response, 'end');
      statuses.push(response.statusCode);
    }
    agent.destroy();
    const opened = statuses.filter((status) => status === 200).length;
    assert.ok(opened <= SOCKETS, statuses.join());
    assert.equal(statuses.at(-1), 503);
    // Those who polled once and never again make room when their time is over.
    await until('all of them to be gone', async () =>
      await carillon.count('carillon_departures_total', 'ping_timeout') >= opened);
    assert.equal((await fetch(`${carillon.url}/socket.io/?EIO=4&transport=polling`)).status, 200);
  });

  it('ends the connection of an event stream that nobody reads', async () => {
    const port = Number(new URL(carillon.url).port);
    const deaf = connect({ port, host: '127.0.0.1' });
    await once(deaf, 'connect');
    deaf.pause();
    deaf.write(`GET /events?user=803 HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`);
    await until('the stream to be seated', async () => (await seated(803)).length === 1);
    let closed = false;
    deaf.on('close', () => { closed = true; });
    deaf.on('error', () => {});
    const pad = 'x'.repeat(200 * 1024);
    for (let i = 0; (await seated(803)).length === 1; i += 1) {
      assert.ok(i < 500, 'the stream takes more than any buffer holds');
      await carillon.handIn(complete(803, `t${i}`, { pad }));
    }
    // Reads what had been sent, then the end of the body; the server waits 10 s for another request.
    deaf.resume();
    await until('the server to end the connection', () => closed, 25_000);
  });

  it('hears what a client said right before its close', async () => {
    const before = await carillon.count('carillon_client_events_total', 'unhandled');
    const raw = await RawSocket.enter(carillon.url, { namespace: '/notice', user: '804' });
    raw.socket._socket.cork();
    raw.send('42/notice,["last words"]');
    raw.socket.close();
    raw.socket._socket.uncork();
    await until('the event to be counted', async () =>
      await carillon.count('carillon_client_events_total', 'unhandled') > before);
  });

  it('gives a session to one WebSocket, however many probe', async () => {
    const polling = await RawPolling.enter(carillon.url, { namespace: '/notice', user: '805' });
    const address = `${carillon.url.replace('http', 'ws')}/socket.io/?EIO=4&transport=websocket&sid=${polling.sid}`;
    const probes = [new RawSocket(address), new RawSocket(address)];
    await Promise.all(probes.map(({ socket }) => once(socket, 'open')));
    const [first, second] = probes;
    first.send('2probe');
    await first.frame((text) => text === '3probe');
    second.send('2probe');
    await second.closed();
    const third = new RawSocket(address);
    await third.closed();
    first.send('5');
    await carillon.handIn(complete(805, 'after'));
    await first.frame((text) => text.includes('"identity":"after"'));
    first.close();
    await until('the seat to be empty', async () => (await seated(805)).length === 0);
    assert.doesNotMatch(carillon.log, /second wire/);
  });
});
