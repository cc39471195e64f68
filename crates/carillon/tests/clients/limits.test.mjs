// Each limit of `limits.*`, met: what a client sees, which counter moves, and that who is there stays.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import { Carillon, node } from './carillon.mjs';
import { Dialed, askOnce, enterPolling, enterSocket, ways } from './dial.mjs';
import { RawSocket } from './raw.mjs';
import { until } from './until.mjs';

const POLLING = '/socket.io/?EIO=4&transport=polling';
const HANDSHAKES = 'carillon_handshakes_total';
const DEPARTURES = 'carillon_departures_total';
const TLS = 'carillon_tls_handshakes_total';

const { ways: WAYS, done } = ways();
after(done);

/** Does `deed`, after which this outcome of this family has been counted so many times more. */
async function isCounted(carillon, family, outcome, times, deed) {
  let count = await carillon.count(family, `"${outcome}"`);
  const expected = count + times;
  await deed();
  await until(() => `${outcome} to be ${expected}, not ${count}`, async () => {
    count = await carillon.count(family, `"${outcome}"`);
    return count === expected;
  });
}

const opened = async (carillon) => (await askOnce(carillon, POLLING)).status;

function isTurnedAway({ status, head }, expected = 503) {
  assert.equal(status, expected, head);
  assert.match(head, /^retry-after: [1-9]/im);
}

/** That a session which polls on a new connection each time goes on as if nothing were. */
async function goesOn(carillon, polling, user) {
  await carillon.emit({ to: { user }, namespace: '/notice', event: 'still', data: 'here' });
  assert.match((await polling.poll()).body, /"still","here"/);
}

describe('a node with two places', () => {
  const [carillon, other] = [1, 2].map(() => node({ settings: { CARILLON_LIMITS__SOCKETS: '2' } }));

  it('refuses a third socket before it reads what it wants, and keeps who is in', async (test) => {
    const polling = await enterPolling(carillon, { user: 'polls' });
    const socket = await enterSocket(carillon, { user: 'stays' });
    test.after(() => socket.close());
    await isCounted(carillon, HANDSHAKES, 'overloaded', 3, async () => {
      isTurnedAway(await askOnce(carillon, POLLING));
      isTurnedAway(await askOnce(carillon, '/events?user=late'));
      isTurnedAway(await askOnce(carillon, `${POLLING}&sid=${'x'.repeat(40)}`));
    });
    await goesOn(carillon, polling, 'polls');
    assert.equal((await polling.post('1')).status, 200);
    await until('a place to be free', async () => await opened(carillon) === 200);
    assert.equal(socket.isClosed, false);
  });

  it('hears what a third socket says in pieces before it turns it away', async (test) => {
    const socket = await enterSocket(other, { user: 'stays' });
    const polling = await enterPolling(other, { user: 'polls' });
    test.after(() => socket.close());
    await other.emit({ to: { user: 'polls' }, namespace: '/notice', event: 'piece', data: 'meal' });
    for (const [path, status] of [[POLLING, 503], [polling.path, 200]]) {
      const dialed = await Dialed.dial(other);
      dialed.drip(`GET ${path} HTTP/1.1\r\nhost: node\r\n\r\n`);
      assert.equal((await dialed.answer()).status, status);
      dialed.close();
    }
  });
});

describe('a node that takes one socket a second after a burst of five', () => {
  const carillon = node({
    settings: { CARILLON_LIMITS__ACCEPTS_PER_SECOND: '1', CARILLON_LIMITS__ACCEPTS_BURST: '5' },
  });

  it('refuses what comes faster, on one connection as on many, and not who is known', async () => {
    const polling = await enterPolling(carillon, { user: 'polls' });
    const before = await carillon.count(HANDSHAKES, '"accepts"');
    const many = await Promise.all(Array.from({ length: 10 }, () => askOnce(carillon, POLLING)));
    const refused = many.filter(({ status }) => status !== 200);
    assert.ok(refused.length >= 4, `${refused.length} were refused`);
    refused.forEach((answer) => isTurnedAway(answer));
    await goesOn(carillon, polling, 'polls');
    assert.equal(await carillon.count(HANDSHAKES, '"accepts"') - before, refused.length);

    let one;
    await until('a token', async () => {
      one = await Dialed.dial(carillon);
      return (await one.asked('GET', POLLING)).status === 200;
    });
    isTurnedAway(await one.asked('GET', POLLING));
    one.close();
  });
});

describe('a node with four handshakes in flight', () => {
  const settings = { CARILLON_LIMITS__HANDSHAKES: '4', CARILLON_LIMITS__HANDSHAKE: '1s' };

  for (const { way, isTls, settings: tls } of WAYS) {
    describe(`by ${way}`, () => {
      const carillon = node({ settings: { ...settings, ...tls } });

      it('refuses a fifth until one is over, and not the sockets that are in', async (test) => {
        const socket = await enterSocket(carillon, { isTls, user: 'stays' });
        test.after(() => socket.close());
        const silent = await Promise.all(Array.from({ length: 4 }, () => Dialed.dial(carillon)));
        await isCounted(carillon, HANDSHAKES, 'handshakes', 1, async () => {
          const fifth = await Dialed.dial(carillon);
          if (!isTls) isTurnedAway(await fifth.answer());
          await fifth.closed();
        });
        await Promise.all(silent.map((dialed) => dialed.closed()));
        const late = isTls ? [TLS, '"late"'] : [HANDSHAKES, '"head_late"'];
        assert.equal(await carillon.count(...late), 4);
        assert.equal((await askOnce(carillon, POLLING, { isTls })).status, 200);
        assert.equal(socket.isClosed, false);
      });
    });
  }
});

describe('a full node by TLS', () => {
  const carillon = node({ settings: { ...WAYS[1].settings, CARILLON_LIMITS__ACCEPTS_PER_SECOND: '1',
    CARILLON_LIMITS__ACCEPTS_BURST: '1' } });
  const small = node({ settings: { ...WAYS[1].settings, CARILLON_LIMITS__SOCKETS: '1' } });

  it('hears out as many of an address as it has sessions, and those go on', async () => {
    const isTls = true;
    const polling = await enterPolling(small, { isTls, user: 'polls' });
    await goesOn(small, polling, 'polls');
    isTurnedAway(await askOnce(small, POLLING, { isTls }));
    const silent = await Dialed.dial(small);
    await isCounted(small, HANDSHAKES, 'overloaded', 1, async () => {
      const second = await Dialed.dial(small, { isTls });
      await second.closed();
      assert.equal(second.text, '');
    });
    silent.close();
    await until('the silent one to be gone', async () => {
      await small.emit({ to: { user: 'polls' }, namespace: '/notice', event: 'still', data: 'here' });
      return polling.poll().then(() => true, () => false);
    });
  });

  it('closes before the handshake on who is not known', async () => {
    const isTls = true;
    await askOnce(carillon, '/nothing', { isTls });
    const agreed = await carillon.count(TLS, '"done"');
    await isCounted(carillon, HANDSHAKES, 'accepts', 1, async () => {
      const refused = await Dialed.dial(carillon, { isTls });
      await refused.closed();
      assert.equal(refused.text, '');
    });
    assert.equal(await carillon.count(TLS, '"done"'), agreed);
  });
});

describe('a node that may have only so much in memory', () => {
  const STUFFING = 'x'.repeat(200_000);
  const carillon = new Carillon({ settings: { CARILLON_LIMITS__QUEUE_BYTES: '1GiB',
    CARILLON_LIMITS__STALL: '4s' } });
  before(async () => {
    await carillon.start();
    const empty = await carillon.count('carillon_memory_bytes');
    assert.ok(empty > 1_000_000, `the node has ${empty} bytes`);
    await carillon.stop();
    carillon.configure({ CARILLON_LIMITS__MEMORY: String(empty + 32_000_000) });
    await carillon.start();
  });
  after(() => carillon.stop());

  it('refuses newcomers above it, keeps who is in, and takes newcomers when it is back', async (test) => {
    const socket = await enterSocket(carillon, { user: 'stays' });
    const polling = await enterPolling(carillon, { user: 'polls' });
    test.after(() => socket.close());
    await enterPolling(carillon, { user: 'heavy' });
    const stuff = { to: { user: 'heavy' }, namespace: '/notice', event: 'stuff', data: STUFFING };
    await until('a refusal', async () => {
      await Promise.all(Array.from({ length: 20 }, () => carillon.emit(stuff)));
      return await opened(carillon) === 503;
    });
    isTurnedAway(await askOnce(carillon, POLLING));
    assert.ok(await carillon.count(HANDSHAKES, '"memory"') >= 2);
    await goesOn(carillon, polling, 'polls');
    await carillon.emit({ to: { user: 'stays' }, namespace: '/notice', event: 'still', data: 'here' });
    await socket.frame((text) => text.includes('"still","here"'));

    await until('the heavy one to be out', async () =>
      await carillon.count(DEPARTURES, '"stalled"') === 1, 20_000);
    assert.equal(await carillon.count('carillon_queue_bytes'), 0);
    await until('memory to be back', async () => await opened(carillon) === 200, 60_000);
  });
});

describe('what one socket may say', () => {
  const carillon = node({
    settings: {
      CARILLON_LIMITS__PAYLOAD_BYTES: '10000',
      CARILLON_LIMITS__BYTES_PER_SECOND: '2000',
      CARILLON_LIMITS__PACKETS_PER_SECOND: '100',
      CARILLON_LIMITS__ROOMS_PER_SOCKET: '2',
      CARILLON_LIMITS__SOCKETS_PER_USER: '3',
    },
  });
  const says = (bytes) => `42/notice,["say","${'x'.repeat(bytes)}"]`;

  it('is so many bytes a second: by WebSocket it is told and put out', () =>
    isCounted(carillon, DEPARTURES, 'bytes', 1, async () => {
      const socket = await enterSocket(carillon, { user: 'loud' });
      for (let sent = 0; sent < 5; sent += 1) socket.send(says(5_000));
      await socket.closed();
      assert.ok(socket.frames.some((text) => text.includes('"departing",{"reason":"bytes"')));
      assert.equal(socket.code, 1008);
    }));

  it('is so many bytes a second by polling too', () =>
    isCounted(carillon, DEPARTURES, 'bytes', 1, async () => {
      const polling = await enterPolling(carillon, { user: 'loud' });
      const statuses = [];
      for (let sent = 0; sent < 5; sent += 1) statuses.push((await polling.post(says(5_000))).status);
      assert.equal(statuses.find((status) => status !== 200), 429, statuses.join());
    }));

  it('is as much again when it has been quiet for a while', async (test) => {
    const socket = await enterSocket(carillon, { user: 'calm' });
    test.after(() => socket.close());
    const before = await carillon.count('carillon_client_events_total', '"unhandled"');
    for (let sent = 0; sent < 3; sent += 1) {
      socket.send(says(5_000));
      await until('it to be heard', async () => await carillon.count('carillon_client_events_total',
        '"unhandled"') === before + sent + 1);
    }
    assert.equal(socket.isClosed, false);
  });

  it('is so many packets a second, pings of WebSocket among them', () =>
    isCounted(carillon, DEPARTURES, 'events', 1, async () => {
      const socket = await enterSocket(carillon, { user: 'pings' });
      for (let sent = 0; sent < 500; sent += 1) socket.socket.ping();
      await socket.closed();
    }));

  it('is said in so many rooms', () =>
    isCounted(carillon, 'carillon_dropped_total', 'rooms_full', 1, async () => {
      const socket = await RawSocket.enter(carillon.url);
      for (const room of [1, 2, 3]) socket.send(`420["loginRoom","room${room}"]`.replace('420', `42${room}`));
      const answer = await socket.frame((text) => text.startsWith('433'));
      assert.match(answer, /"2003","msg":"this socket is in too many rooms"/);
      socket.close();
    }));

  it('is said by so many sockets of one user, however many come at once', async (test) => {
    const enter = async () => {
      const socket = await RawSocket.open(carillon.url);
      test.after(() => socket.close());
      return socket;
    };
    const sockets = await Promise.all(Array.from({ length: 12 }, enter));
    await isCounted(carillon, HANDSHAKES, 'too_many_sockets', 9, async () => {
      sockets.forEach((socket) => socket.send('40/notice,{"user":"crowd"}'));
      const answers = await Promise.all(sockets.map((socket) =>
        socket.frame((text) => /^4[04]\/notice,/.test(text))));
      assert.equal(answers.filter((text) => text.startsWith('40')).length, 3, answers.join('\n'));
    });
  });

  it('is never compressed: not by frames, and not by bodies', () =>
    isCounted(carillon, DEPARTURES, 'bad_packet', 2, async () => {
      const socket = await enterSocket(carillon, { user: 'small' });
      assert.equal(socket.socket.extensions, '');
      // FIN with RSV1, a masked text of one byte.
      socket.socket._socket.write(Buffer.from([0xc1, 0x81, 0, 0, 0, 0, 0x32]));
      await socket.closed();
      const polling = await enterPolling(carillon, { user: 'small' });
      const body = gzipSync('42/notice,["say"]').toString('latin1');
      const headers = { 'content-encoding': 'gzip', 'content-type': 'text/plain' };
      const answer = await askOnce(carillon, polling.path, { method: 'POST', body, headers });
      assert.equal(answer.status, 400);
    }));
});

describe('a request', () => {
  const carillon = node();
  const long = 'x'.repeat(20_000);

  it('may have so long a head', () =>
    isCounted(carillon, HANDSHAKES, 'head_too_large', 2, async () => {
      assert.equal((await askOnce(carillon, POLLING, { headers: { long } })).status, 431);
      assert.ok([414, 431].includes((await askOnce(carillon, `${POLLING}&long=${long}`)).status));
      assert.equal((await askOnce(carillon, POLLING, { headers: { long: long.slice(0, 8_000) } })).status, 200);
    }));

  it('has to be one', () =>
    isCounted(carillon, HANDSHAKES, 'malformed', 1, async () => {
      const dialed = await Dialed.dial(carillon);
      dialed.socket.write('what is this?\r\n\r\n');
      await dialed.closed();
      assert.match(dialed.text, /^HTTP\/1.1 400 /);
    }));

  it('may have so large a body', async () => {
    const polling = await enterPolling(carillon, { user: 'large' });
    await isCounted(carillon, DEPARTURES, 'too_large', 1, async () => {
      assert.equal((await polling.post(long.repeat(60))).status, 413);
    });
    assert.equal((await polling.poll()).status, 400, 'the session is over');
  });
});
