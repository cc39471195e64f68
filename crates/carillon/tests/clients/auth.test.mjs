// Tokens: from every place where a client may put one, on every generation; what is refused and with
// which words; how a socket's time ends, and how a new token prolongs it.

import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { after, before, describe, it } from 'node:test';
import { Carillon, node } from './carillon.mjs';
import { GENERATIONS, PAIRS, isOld, open, refusal } from './generations.mjs';
import { EventStream, PlainSocket, Refused } from './plain.mjs';
import { until } from './until.mjs';

const KEY = 'the-secret-of-thirty-two-bytes-ok';

const carillon = node({
  settings: {
    CARILLON_AUTH__MODE: 'token',
    CARILLON_AUTH__KEY: KEY,
    CARILLON_AUTH__LEEWAY: '0s',
    CARILLON_AUTH__COOKIE: 'session',
  },
});

const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');

/** A JSON Web Token by HS256, from now for a minute unless told otherwise. */
function token(claims = {}, key = KEY) {
  const body = { sub: '5', exp: Math.floor(Date.now() / 1000) + 60, ...claims };
  const signed = `${part({ alg: 'HS256', typ: 'JWT' })}.${part(body)}`;
  return `${signed}.${createHmac('sha256', key).update(signed).digest('base64url')}`;
}

const page = (test, options) =>
  open({ url: carillon.url, namespace: '/notice', ...options }, (end) => test.after(end));

/** Where the generation shows a token of its own accord. */
const showing = (generation, token) =>
  (isOld(generation) ? { query: `token=${token}` } : { auth: { token } });

async function hearsItsEnds(page, user, identity) {
  await carillon.handIn({ identity, userIdentity: user, status: 1000 });
  await page.notice(identity, 'file.complete');
}

describe('a token', { concurrency: 20 }, () => {
  for (const { generation, transport } of PAIRS) {
    it(`says who ${generation} by ${transport} is`, async (test) => {
      const user = `u-${generation}-${transport}`;
      const options = { generation, transport, ...showing(generation, token({ sub: user })) };
      await hearsItsEnds(await page(test, options).connected(), user, `t-${user}`);
    });
  }

  for (const generation of GENERATIONS.filter((generation) => Number(generation) >= 2)) {
    for (const [place, headers] of [
      ['the header Authorization', (token) => ({ authorization: `Bearer ${token}` })],
      ['a cookie', (token) => ({ cookie: `a=b; session=${token}` })],
    ]) {
      for (const transport of ['polling', 'websocket']) {
        it(`is found in ${place} of ${generation} by ${transport}`, async (test) => {
          const extraHeaders = headers(token({ sub: `h-${generation}` }));
          const options = isOld(generation)
            ? { extraHeaders, transportOptions: { polling: { extraHeaders }, websocket: { extraHeaders } } }
            : { extraHeaders };
          const connected = page(test, { generation, transport, options });
          await hearsItsEnds(await connected.connected(), `h-${generation}`, `${place}-${transport}`);
        });
      }
    }
  }

  for (const [name, Road] of [['a plain WebSocket', PlainSocket], ['an event stream', EventStream]]) {
    it(`is found in the address of ${name}, which is told 401 without one`, async (test) => {
      const road = await Road.open(carillon.url, `token=${token({ sub: name })}`);
      test.after(() => road.close());
      assert.equal((await carillon.sockets(`?user=${encodeURIComponent(name)}`)).length, 1);
      const refused = await Road.open(carillon.url, 'user=5').catch((error) => error);
      assert.ok(refused instanceof Refused, 'it was let in');
      assert.equal(refused.status, 401, refused.message);
    });
  }

  it('lets its user be named beside it, and no other', async (test) => {
    const named = (user) => ({ generation: '4.8', auth: { token: token(), user } });
    await page(test, named('5')).connected();
    const other = page(test, named('6'));
    await other.event('connect_error', (error) => error.message === "user is not the token's");
  });
});

describe('a token that does not hold', { concurrency: 20 }, () => {
  const past = Math.floor(Date.now() / 1000) - 60;
  const none = `${part({ alg: 'none' })}.${part({ sub: '5', exp: past + 3600 })}.`;
  const CASES = [
    ['none at all', undefined, 'token is required'],
    ['an expired one', token({ exp: past }), 'token has expired'],
    ['one of the future', token({ nbf: past + 3600 }), 'token is not valid yet'],
    ['one without an end', token({ exp: undefined }), 'token has no exp'],
    ['one of another key', token({}, `${KEY}!`), "token's signature is wrong"],
    ['one for another audience', token({ aud: 'others' }), "token's audience is wrong"],
    ['one without a user', token({ sub: undefined }), 'token names no user'],
    ['one that is signed by nobody', none, 'token is malformed'],
    ['a word', 'word', 'token is malformed'],
  ];
  for (const [what, shown, says] of CASES) {
    for (const generation of GENERATIONS) {
      it(`${what} is refused to ${generation}, which stops trying`, async (test) => {
        const options = shown === undefined
          ? { generation, query: isOld(generation) ? 'user=5' : undefined, auth: { user: '5' } }
          : { generation, ...showing(generation, shown) };
        const refused = page(test, options);
        const { event, text } = refusal(generation);
        await refused.event(event, (reason) => text(reason) === says);
        assert.equal(refused.connectsSent, 1);
      });
    }
  }
});

describe('a grant', () => {
  it('opens the rooms that it names, for the query and for loginRoom', async (test) => {
    const auth = (room) => ({ token: token({ rooms: ['456', 'chat:*'] }), room });
    const inside = await page(test, { generation: '4.8', namespace: '/', auth: auth('chat:1') }).connected();
    assert.deepEqual((await inside.ask('loginRoom', '456'))[0].code, '2002');
    assert.deepEqual(await inside.ask('loginRoom', '457'),
      [{ code: '2003', msg: 'the room is not granted' }]);
    const outside = page(test, { generation: '4.8', namespace: '/', auth: auth('457') });
    await outside.event('connect_error', (error) => error.message === 'room is not granted');
  });

  for (const generation of GENERATIONS) {
    it(`ends the socket of ${generation} when the token ends, and it stays away`, async (test) => {
      const exp = Math.floor(Date.now() / 1000) + 2;
      const short = page(test, { generation, namespace: '/', ...showing(generation, token({ exp })) });
      await short.connected();
      await short.event('disconnect');
      assert.ok(Date.now() / 1000 >= exp, 'it ended before its time');
      const told = short.heard.find(({ name }) => name === 'disconnecting' || name === 'departing');
      assert.equal(told?.args[0].reason, 'expired', short.story());
      assert.equal(short.connectsSent <= 1, true, short.story());
    });
  }

  for (const generation of GENERATIONS) {
    it(`is taken back from ${generation} by its token's id, and it stays away`, async (test) => {
      const jti = `jti-${generation}`;
      const shown = showing(generation, token({ jti }));
      const revoked = page(test, { generation, namespace: '/', ...shown });
      await revoked.connected();
      const { status } = await carillon.post('/v1/revocations', { token: jti });
      assert.equal(status, 200);
      await revoked.event('disconnect');
      const told = revoked.heard.find(({ name }) => name === 'disconnecting' || name === 'departing');
      assert.equal(told?.args[0].reason, 'revoked', revoked.story());
      assert.equal(revoked.connectsSent <= 1, true, revoked.story());
      const again = page(test, { generation, ...shown });
      const { event, text } = refusal(generation);
      await again.event(event, (reason) => text(reason) === 'token is revoked');
      await page(test, { generation, ...showing(generation, token({ jti: `other-${jti}` })) }).connected();
    });
  }

  it('leaves the rooms that a newer token does not open any more', async (test) => {
    const auth = { token: token({ rooms: ['1', '2'] }) };
    const connected = await page(test, { generation: '4.8', namespace: '/', auth }).connected();
    for (const room of ['1', '2']) assert.equal((await connected.ask('loginRoom', room))[0].code, '2002');
    const rooms = async () => (await carillon.sockets('?namespace=/&user=5'))
      .filter(({ rooms }) => rooms.includes('2')).flatMap(({ rooms }) => rooms).sort();
    assert.deepEqual(await rooms(), ['1', '2']);
    await connected.ask('token', token({ rooms: ['2', '3'] }));
    assert.deepEqual(await rooms(), ['2']);
  });

  it('goes on with a newer token of the same user, and with no other', async (test) => {
    const exp = Math.floor(Date.now() / 1000) + 3;
    const auth = { token: token({ exp }) };
    const connected = await page(test, { generation: '4.8', namespace: '/', auth }).connected();
    const [other] = await connected.ask('token', token({ sub: '6' }));
    assert.equal(other.error.code, 'not_the_user');
    const [bad] = await connected.ask('token', token({}, `${KEY}!`));
    assert.equal(bad.error.code, 'token_signature');
    const [{ expires }] = await connected.ask('token', token({ exp: exp + 60 }));
    assert.equal(expires, exp + 60);
    await until('the first token to have ended', () => Date.now() / 1000 > exp + 1);
    assert.deepEqual(await connected.ask('loginRoom', '1'),
      [{ code: '2003', msg: 'the room is not granted' }]);
    assert.equal(connected.count('disconnect'), 0);
  });
});

describe('a backend that is asked', () => {
  let backend;
  let answer = { user: '5' };
  const asked = [];
  let hooked;

  before(async () => {
    backend = createServer(async (request, response) => {
      let body = '';
      for await (const chunk of request) body += chunk;
      asked.push(JSON.parse(body));
      response.end(JSON.stringify(answer));
    }).listen(0, '127.0.0.1');
    await once(backend, 'listening');
    hooked = new Carillon({
      settings: {
        CARILLON_AUTH__MODE: 'hook',
        CARILLON_AUTH__HOOK__URL: `http://127.0.0.1:${backend.address().port}/who`,
        CARILLON_AUTH__HOOK__CACHE: '0s',
        CARILLON_AUTH__HOOK__HEADERS: '["x-ticket"]',
      },
    });
    await hooked.start();
  });
  after(async () => {
    await hooked.stop();
    backend.close();
  });

  const visit = (test, options) =>
    open({ url: hooked.url, namespace: '/notice', ...options }, (end) => test.after(end));

  it('sees what the client sent, and says who it is', async (test) => {
    answer = { user: 7, rooms: ['456'] };
    const options = { extraHeaders: { 'x-ticket': 'blue', 'x-other': 'red' } };
    await visit(test, { generation: '4.8', query: 'lang=de', auth: { pin: 1 }, options }).connected();
    const { namespace, query, auth, headers, address } = asked.at(-1);
    assert.deepEqual({ namespace, auth, headers, address },
      { namespace: '/notice', auth: { pin: 1 }, headers: { 'x-ticket': 'blue' }, address: '127.0.0.1' });
    assert.equal(query.lang, 'de');
    assert.equal((await hooked.sockets('?user=7')).length, 1);
  });

  for (const generation of GENERATIONS) {
    it(`has its own words reach ${generation} as they stand`, async (test) => {
      answer = { error: 'pay first, "please"' };
      const refused = visit(test, { generation });
      const { event, text } = refusal(generation);
      await refused.event(event, (reason) => text(reason) === 'pay first, "please"');
    });
  }

  it('is asked again about a user whose grants were taken back', async (test) => {
    answer = { user: '8' };
    const revoked = await visit(test, { generation: '4.8' }).connected();
    const { status, body } = await hooked.post('/v1/revocations', { user: '8' });
    assert.deepEqual([status, body.sockets], [200, 1]);
    await revoked.event('disconnect');
    const before = asked.length;
    await visit(test, { generation: '4.8' }).connected();
    assert.equal(asked.length, before + 1);
  });

  it('that gives no sense is tried again by the client, until it does', async (test) => {
    answer = [];
    const before = asked.length;
    const waiting = visit(test, { generation: '4.8' });
    await until('the client to come twice', () => asked.length >= before + 2);
    answer = { user: '5' };
    await waiting.connected();
  });
});
