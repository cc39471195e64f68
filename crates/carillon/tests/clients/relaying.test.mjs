// What one page relays to the others of its room, and that it cannot put them out by it.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { node } from './carillon.mjs';
import { GENERATIONS, open } from './generations.mjs';

const NAMESPACE = '/notice';

describe('what a page relays', () => {
  const carillon = node({ settings: { CARILLON_UPLINK__RELAY: 'chat:*' } });

  async function enter(test, generation, user) {
    const query = `user=${user}&room=chat:1`;
    const page = open({ generation, namespace: NAMESPACE, query, url: carillon.url }, (end) => test.after(end));
    page.listen('relay');
    return page.connected();
  }

  for (const generation of GENERATIONS) {
    it(`reaches ${generation} with its bytes`, async (test) => {
      const [speaker, other] = [await enter(test, '4.8', 1), await enter(test, generation, 2)];
      const [{ id }] = await speaker.ask('relay', 'chat:1', 'drawn', { part: Buffer.from([0, 255]) });
      assert.ok(id);
      const { args: [about, { part }] } = await other.event('relay');
      assert.deepEqual([about.event, [...new Uint8Array(part)]], ['drawn', [0, 255]]);
    });

    it(`cannot put ${generation} out`, async (test) => {
      const [speaker, other] = [await enter(test, '4.8', 3), await enter(test, generation, 4)];
      const bad = [
        [Buffer.from('a'), { _placeholder: true, num: 99 }],
        [Buffer.from('a'), { _placeholder: true, num: -1, more: 1 }],
        [Buffer.from('a'), { a: [{ _placeholder: true }] }],
        Array.from({ length: 11 }, () => Buffer.from('a')),
        [Buffer.from('a'), JSON.parse('['.repeat(200) + ']'.repeat(200))],
      ];
      for (const args of bad) {
        const [answer] = await speaker.ask('relay', 'chat:1', 'bad', ...args);
        assert.equal(answer.error?.code, 'malformed', JSON.stringify(answer));
      }
      await speaker.ask('relay', 'chat:1', 'good');
      const { args: [about] } = await other.event('relay');
      assert.equal(about.event, 'good');
      assert.ok(other.isConnected);
    });
  }
});
