// What clients must not do, done to a running server: each is an answer or a closed door and a
// counter, and a good client beside it never notices.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { node } from './carillon.mjs';
import { open } from './generations.mjs';
import { complete } from './messages.mjs';
import { RawPolling, RawSocket } from './raw.mjs';
import { until, within } from './until.mjs';

const USER = '700';
const EVENTS = 'carillon_client_events_total';
const DROPPED = 'carillon_dropped_total';
const DEPARTURES = 'carillon_departures_total';
const HANDSHAKES = 'carillon_handshakes_total';
const GONE_WITHIN = 20_000;

const carillon = node({ settings: { CARILLON_LIMITS__HANDSHAKE: '2s', CARILLON_LIMITS__STALL: '2s' } });

describe('bad input over sockets', () => {
  const ends = [];
  let good;
  let served = 0;

  before(async () => {
    good = open({ generation: '4.8', namespace: '/notice', query: `user=${USER}`, url: carillon.url },
      (end) => ends.push(end));
    await good.connected();
  });
  after(() => ends.forEach((end) => end()));

  /** `misdeed`, after which one of the counters has moved and the good client is served as before. */
  async function isCounted(families, misdeed) {
    const counted = async () => {
      const counts = await Promise.all(families.map((family) => carillon.count(family)));
      return counts.reduce((sum, count) => sum + count);
    };
    const before = await counted();
    await misdeed();
    await until(`${families} to move`, async () => await counted() > before, 5_000);
    await isServed();
    assert.equal(good.count('disconnect'), 0, good.story());
  }

  async function isServed() {
    const identity = `served_${served += 1}`;
    await carillon.handIn(complete(USER, identity));
    await good.notice(identity, 'file.complete');
  }

  const entry = { namespace: '/notice', user: USER };

  for (const eio of [3, 4]) {
    for (const [what, frame] of [
      ['an event that is no JSON', '42/notice,["broken",{'],
      ['an event that is no array', '42/notice,{"event":"broken"}'],
      ['an event without a name', '42/notice,[]'],
      ['a packet of no known type', '49/notice,'],
      ['a text of no engine packet', 'x'],
    ]) {
      it(`${what} on Engine.IO ${eio} is counted`, () => isCounted([DROPPED, EVENTS, DEPARTURES], async () => {
        const raw = await RawSocket.enter(carillon.url, { ...entry, eio });
        raw.send(frame);
        ends.push(() => raw.close());
      }));
    }

    it(`a WebSocket message of 2 MiB on Engine.IO ${eio} closes its sender`, () =>
      isCounted([DEPARTURES], async () => {
        const raw = await RawSocket.enter(carillon.url, { ...entry, eio });
        raw.send(`42/notice,["big","${'x'.repeat(2 * 1024 * 1024)}"]`);
        await raw.closed();
      }));

    it(`an event nobody handles on Engine.IO ${eio} is counted, and answered if an ack is asked`, () =>
      isCounted([EVENTS], async () => {
        const raw = await RawSocket.enter(carillon.url, { ...entry, eio });
        raw.send('42/notice,["nobody handles this",1]');
        raw.send('42/notice,7["nobody handles this",1]');
        const ack = await raw.frame((text) => text.startsWith('43/notice,7'));
        const [answer, ...rest] = JSON.parse(ack.slice('43/notice,7'.length));
        assert.deepEqual(rest, []);
        assert.ok(answer.error, ack);
        assert.equal(raw.isClosed, false);
        raw.close();
      }));
  }

  it('an unknown namespace is refused by its name', () =>
    isCounted([HANDSHAKES], async () => {
      const raw = await RawSocket.enter(carillon.url, { namespace: '/' });
      raw.send('40/nowhere,');
      const refusal = await raw.frame((text) => text.startsWith('44/nowhere,'));
      assert.equal(JSON.parse(refusal.slice('44/nowhere,'.length)).message, 'Invalid namespace');
      raw.close();
    }));

  it('a client that opens a transport and enters no namespace is closed', () =>
    isCounted([DEPARTURES], async () => {
      const raw = await RawSocket.open(carillon.url);
      await raw.closed(GONE_WITHIN);
    }));

  for (const [what, first] of [
    ['says nothing at all', ''],
    ['stops in the middle of its request', 'GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nhost: a'],
  ]) {
    it(`a client that connects and ${what} is closed`, async () => {
      const silent = connect(carillon.publicPort, '127.0.0.1');
      silent.on('error', () => {});
      silent.resume();
      const closed = once(silent, 'close');
      await once(silent, 'connect');
      if (first) silent.write(first);
      await within('the server to close a silent client', closed, GONE_WITHIN);
      await isServed();
    });
  }

  it('two polls at once end their session', () =>
    isCounted([DEPARTURES], async () => {
      const raw = await RawPolling.enter(carillon.url, entry);
      const answers = await within('both polls', Promise.all([raw.poll(), raw.poll()]));
      assert.ok(answers.some(({ status }) => status >= 400), JSON.stringify(answers));
      const { status } = await raw.poll();
      assert.equal(status, 400, 'the session is over');
    }));

  it('a reader that stands still is gone in time, while the one beside it hears everything', () =>
    isCounted([DEPARTURES], async () => {
      const raw = await RawSocket.enter(carillon.url, entry);
      ends.push(() => raw.close());
      const both = await carillon.sockets(`?user=${USER}&namespace=/notice`);
      raw.socket.pause();
      const stuffing = 'x'.repeat(200 * 1024);
      let sent = 0;
      await until('the still reader to be gone from GET /v1/sockets', async () => {
        const identity = `stuffed_${sent += 1}`;
        await carillon.handIn(complete(USER, identity, { stuffing }));
        await good.notice(identity, 'file.complete');
        return (await carillon.sockets(`?user=${USER}&namespace=/notice`)).length < both.length;
      }, GONE_WITHIN);
    }));

  it('none of it is left seated', async () => {
    ends.splice(1).forEach((end) => end());
    await until('only the good client', async () => (await carillon.sockets(`?user=${USER}`)).length === 1);
  });
});
