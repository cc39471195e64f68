// Clients that take their time, in what they say and in what they read, plain and by TLS: each is out within
// its limit, by its name, with nothing left of it; and a good client beside it is not disturbed.

import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { node } from './carillon.mjs';
import { Dialed, askOnce, enterPolling, enterSocket, ways } from './dial.mjs';
import { open } from './generations.mjs';
import { complete } from './messages.mjs';
import { RawSocket } from './raw.mjs';
import { until } from './until.mjs';

const POLLING = '/socket.io/?EIO=4&transport=polling';
const HANDSHAKES = 'carillon_handshakes_total';
const DEPARTURES = 'carillon_departures_total';
const TLS = 'carillon_tls_handshakes_total';
/** More than the system takes in for one connection, on both its sides. */
const STUFFING_BYTES = 24_000_000;
const PART = 'x'.repeat(200_000);

const { ways: WAYS, done } = ways();
after(done);

for (const { way, isTls, settings } of WAYS) {
  describe(`by ${way}`, () => {
    const carillon = node({
      settings: {
        ...settings,
        CARILLON_LIMITS__HANDSHAKE: '1s',
        CARILLON_LIMITS__STALL: '3s',
        CARILLON_LIMITS__PAYLOAD_BYTES: '100MB',
        CARILLON_LIMITS__QUEUE_BYTES: '32MB',
        CARILLON_PUBLIC__PING_INTERVAL: '30s',
        CARILLON_PUBLIC__PING_TIMEOUT: '30s',
      },
    });
    const ends = [];
    let good;
    let sequel = 0;

    before(async () => {
      const scheme = isTls ? 'https' : 'http';
      good = open({ generation: '4.8', url: `${scheme}://127.0.0.1:${carillon.publicPort}`,
        namespace: '/notice', auth: { user: 'good' }, options: { rejectUnauthorized: false } },
      (end) => ends.push(end));
      good.listen('beside');
      await good.connected();
    });
    after(() => ends.forEach((end) => end()));

    afterEach(async () => {
      const data = sequel += 1;
      await emit('good', data, 'beside');
      await good.event('beside', (heard) => heard === data);
      assert.equal(good.count('disconnect'), 0, good.story());
      await until('the good one to be the only one left', async () =>
        (await carillon.sockets()).length === 1);
      assert.equal(await carillon.count('carillon_queue_bytes'), 0);
    });

    const emit = (user, data, event = 'stuffing') =>
      carillon.emit({ to: { user }, namespace: '/notice', event, data });
    const stuff = async (user) => {
      for (let sent = 0; sent < STUFFING_BYTES; sent += PART.length) await emit(user, PART);
    };
    const dial = () => Dialed.dial(carillon, { isTls });

    /** `deed`, after which one more has this outcome. */
    async function endsAs(family, outcome, deed) {
      let count = await carillon.count(family, `"${outcome}"`);
      const expected = count + 1;
      await deed();
      await until(() => `${outcome} to be ${expected}, not ${count}`, async () => {
        count = await carillon.count(family, `"${outcome}"`);
        return count === expected;
      });
    }

    for (const [what, begins] of [
      ['says nothing', ''],
      ['says its request line letter by letter', 'GET /socket.io/?EIO=4&transport=polling&t=slowly'],
      ['says its headers letter by letter', `GET ${POLLING} HTTP/1.1\r\nhost: node\r\nx: slowly`],
    ]) {
      it(`a client that ${what} is out`, () => endsAs(HANDSHAKES, 'head_late', async () => {
        const dialed = await dial();
        if (begins) dialed.drip(begins);
        await dialed.closed();
      }));
    }

    it('a client whose second request comes letter by letter is out', () =>
      endsAs(HANDSHAKES, 'head_late', async () => {
        const dialed = await dial();
        assert.equal((await dialed.asked('GET', '/carillon.js')).status, 200);
        dialed.drip('GET /carillon.js HTTP/1.1');
        await dialed.closed();
      }));

    it('a connection that is only quiet after its request ends, and counts for nothing', async () => {
      const before = await carillon.count(HANDSHAKES);
      const dialed = await dial();
      assert.equal((await dialed.asked('GET', '/nothing')).status, 404);
      await dialed.closed();
      assert.equal(await carillon.count(HANDSHAKES), before);
    });

    it('a client that posts letter by letter is told, and out', () =>
      endsAs(DEPARTURES, 'late', async () => {
        const polling = await enterPolling(carillon, { isTls, user: 'posts' });
        const dialed = await dial();
        dialed.ask('POST', polling.path, { headers: { 'content-length': 1_000 } });
        dialed.drip('42/notice,["slowly"]');
        assert.equal((await dialed.answer()).status, 408);
        await dialed.closed();
        assert.equal((await polling.poll()).status, 400, 'the session is over');
      }));

    it('a client that opens a session and joins nothing is out', () =>
      endsAs(DEPARTURES, 'no_connect', () => askOnce(carillon, POLLING, { isTls })));

    it('a WebSocket that is opened and not probed goes, and its session stays', async () => {
      const polling = await enterPolling(carillon, { isTls, user: 'probes' });
      await endsAs(HANDSHAKES, 'probe_late', async () => {
        const address = `ws${isTls ? 's' : ''}://127.0.0.1:${carillon.publicPort}/socket.io/`
          + `?EIO=4&transport=websocket&sid=${polling.sid}`;
        await new RawSocket(address, { rejectUnauthorized: false }).closed();
      });
      await emit('probes', 'still here');
      assert.match((await polling.poll()).body, /still here/);
      await polling.post('1');
    });

    it('a client that polls no more is out when something waits for it', () =>
      endsAs(DEPARTURES, 'stalled', async () => {
        await enterPolling(carillon, { isTls, user: 'away' });
        await emit('away', 'waits');
      }));

    it('a client that does not read its event stream is out, and its connection with it', async () => {
      const dialed = await dial();
      dialed.socket.pause();
      await endsAs(DEPARTURES, 'stalled', async () => {
        dialed.ask('GET', '/events?user=still');
        await until('its seat', async () => (await carillon.sockets('?user=still')).length === 1);
        await stuff('still');
      });
      dialed.socket.resume();
      await dialed.closed();
    });

    it('a WebSocket that does not read is out', () => endsAs(DEPARTURES, 'stalled', async () => {
      const socket = await enterSocket(carillon, { isTls, user: 'still' });
      ends.push(() => socket.close());
      socket.socket.pause();
      await stuff('still');
    }));

    it('a WebSocket that reads too slowly has the newest progress alone, then is out as slow', async () => {
      const socket = await enterSocket(carillon, { isTls, user: 'slow' });
      ends.push(() => socket.close());
      const tcp = socket.socket._socket;
      tcp.on('data', () => tcp.pause());
      // By TLS it gets less at a time.
      const reading = setInterval(() => tcp.resume(), isTls ? 5 : 20);
      socket.socket.on('close', () => clearInterval(reading));
      await stuff('slow');
      const superseded = () => carillon.count('carillon_dropped_total', '"superseded"');
      const before = await superseded();
      await until('older progress to give way', async () => {
        const progress = { identity: 'task', userIdentity: 'slow', status: 100, pad: PART };
        await carillon.post('/v1/tasks', progress);
        return await superseded() > before;
      });
      await endsAs(DEPARTURES, 'slow', () => stuff('slow'));
    });

    if (!isTls) return;

    for (const [what, outcome, says] of [
      ['says nothing', 'late', null],
      ['says hello letter by letter', 'late', (dialed) => dialed.drip('\x16\x03\x01\x02\x00\x01\x00\x01')],
      // Of a message that is to have 64 KiB, more than anybody says.
      ['never comes to the end of its hello', 'malformed', (dialed) => {
        const record = Buffer.concat([Buffer.from([22, 3, 1, 0x20, 0]), Buffer.alloc(0x2000)]);
        Buffer.from([1, 0, 0xff, 0]).copy(record, 5);
        dialed.socket.write(record);
        dialed.socket.write(Buffer.concat([record.subarray(0, 5), Buffer.alloc(0x2000)]));
        dialed.socket.write(Buffer.concat([record.subarray(0, 5), Buffer.alloc(0x2000)]));
      }],
    ]) {
      it(`a client that ${what} before it has agreed is out`, () => endsAs(TLS, outcome, async () => {
        const dialed = await Dialed.dial(carillon);
        says?.(dialed);
        await dialed.closed();
      }));
    }
  });
}

for (const { way, isTls, settings } of WAYS) {
  describe(`by ${way}, an answer to a poll`, () => {
    const carillon = node({
      settings: {
        ...settings,
        // Longer than it takes to poll once: nothing may wait when the answer is not read.
        CARILLON_LIMITS__STALL: '6s',
        CARILLON_LIMITS__PAYLOAD_BYTES: '100MB',
        CARILLON_PUBLIC__PING_INTERVAL: '30s',
        CARILLON_PUBLIC__PING_TIMEOUT: '30s',
      },
    });

    it('that is not read ends its session and its connection', async () => {
      // A snapshot that one answer takes, and more than the system takes in.
      const end = (at) => complete('polls', `end${at}`, { PART });
      await carillon.handIn(Array.from({ length: 38 }, (_, at) => end(at)));
      const opened = await askOnce(carillon, POLLING, { isTls });
      const path = `${POLLING}&sid=${JSON.parse(opened.body.slice(1)).sid}`;
      const dialed = await Dialed.dial(carillon, { isTls });
      dialed.socket.pause();
      await askOnce(carillon, path, { method: 'POST', isTls, body: '40/notice,{"user":"polls"}' });
      dialed.ask('GET', path);
      await until('the answer to be on its way', async () =>
        await carillon.count('carillon_queue_bytes') === 0);
      assert.equal((await carillon.sockets()).length, 1, 'nothing waits, and it is there');
      await until('it to be out', async () => await carillon.count(DEPARTURES, '"stalled"') === 1, 20_000);
      assert.deepEqual(await carillon.sockets(), []);
      dialed.socket.resume();
      await dialed.closed();
    });
  });
}

describe('half a message', () => {
  const carillon = node({
    settings: { CARILLON_PUBLIC__PING_INTERVAL: '1s', CARILLON_PUBLIC__PING_TIMEOUT: '1s' },
  });

  it('does not keep its sender, whatever it says between the parts', async () => {
    const socket = await enterSocket(carillon, { user: 'half' });
    const tcp = socket.socket._socket;
    // A text that is not final, and then a ping of WebSocket now and then.
    tcp.write(Buffer.from([0x01, 0x81, 0, 0, 0, 0, 0x34]));
    const pinging = setInterval(() => tcp.write(Buffer.from([0x89, 0x80, 0, 0, 0, 0])), 100);
    socket.socket.on('close', () => clearInterval(pinging));
    socket.socket.removeAllListeners('message');
    await socket.closed();
    assert.equal(await carillon.count('carillon_departures_total', '"ping_timeout"'), 1);
  });
});
