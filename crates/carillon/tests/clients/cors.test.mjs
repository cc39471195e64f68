// Which pages may connect by polling, to the header: origins, credentials, preflights. What browsers make of it
// is in browsers.test.mjs.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { node } from './carillon.mjs';
import { askOnce } from './dial.mjs';

const POLLING = '/socket.io/?EIO=4&transport=polling';
const EXACT = 'https://app.example.com';

const carillon = node({ settings: { CARILLON_PUBLIC__ORIGINS: `${EXACT},*.pages.test` } });

const header = ({ head }, name) => new RegExp(`^${name}: (.*)\r$`, 'im').exec(head)?.[1];

function isOpenTo(answer, origin) {
  assert.equal(header(answer, 'access-control-allow-origin'), origin);
  assert.equal(header(answer, 'access-control-allow-credentials'), 'true');
  assert.match(header(answer, 'vary'), /\borigin\b/i);
}

describe('a page', () => {
  for (const origin of [EXACT, 'https://a.pages.test', 'http://a.b.pages.test:8080']) {
    it(`of ${origin} is let in by name, with its credentials`, async () => {
      const answer = await askOnce(carillon, POLLING, { headers: { origin } });
      assert.equal(answer.status, 200);
      isOpenTo(answer, origin);
    });
  }

  for (const origin of ['http://app.example.com', `${EXACT}:444`, `${EXACT}.evil.test`, 'https://pages.test',
    'https://evilpages.test', 'https://a.pages.test.evil.test', 'https://a.pages.test@evil.test', 'null', '*', '']) {
    it(`of ${origin || 'no name'} is refused, and told nothing that lets it read why`, async () => {
      const before = await carillon.count('carillon_handshakes_total', '"origin"');
      for (const method of ['GET', 'POST', 'OPTIONS']) {
        const answer = await askOnce(carillon, POLLING, { method, headers: { origin } });
        assert.equal(answer.status, 403, method);
        assert.equal(header(answer, 'access-control-allow-origin'), undefined);
        assert.equal(header(answer, 'access-control-allow-credentials'), undefined);
      }
      assert.equal(await carillon.count('carillon_handshakes_total', '"origin"'), before + 3);
    });
  }

  it('that is refused for another reason may read why', async () => {
    const answer = await askOnce(carillon, `${POLLING}&sid=unknown`, { headers: { origin: EXACT } });
    assert.equal(answer.status, 400);
    isOpenTo(answer, EXACT);
  });

  it('asks before it posts bytes or sends headers of its own, and may', async () => {
    const answer = await askOnce(carillon, POLLING, {
      method: 'OPTIONS',
      headers: {
        origin: EXACT,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'content-type,x-page',
      },
    });
    assert.equal(answer.status, 204);
    isOpenTo(answer, EXACT);
    assert.match(header(answer, 'access-control-allow-methods'), /\bPOST\b/);
    assert.equal(header(answer, 'access-control-allow-headers'), 'content-type,x-page');
    assert.match(header(answer, 'access-control-max-age'), /^[1-9]/);
    assert.equal(answer.body, '');
  });

  it('that does not say where it is from is no browser, and needs no leave', async () => {
    const answer = await askOnce(carillon, POLLING);
    assert.equal(answer.status, 200);
    assert.equal(header(answer, 'access-control-allow-origin'), undefined);
  });
});
