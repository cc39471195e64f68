// Thirty ways in: five generations, three transports, two namespaces. Each connects, hears what it
// should, and loses no end over a cut.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { node } from './carillon.mjs';
import { PAIRS, isOld, open } from './generations.mjs';
import { complete, failed, progress } from './messages.mjs';
import { relay } from './relay.mjs';
import { until } from './until.mjs';

const carillon = node();

describe('every client and transport', { concurrency: 6 }, () => {
  let user = 100;
  for (const { generation, transport } of PAIRS) {
    const client = `${generation} by ${transport}`;

    it(`${client} on / is greeted, hears everyone's events, and returns after a cut`, (test) =>
      livesOnTheMainNamespace(test, generation, transport));

    const query = user += 1;
    it(`${client} on /notice with a query gets snapshot, progress, and the end over a cut`, (test) =>
      livesOnNotice(test, { generation, transport, user: query, query: `user=${query}` }));

    if (isOld(generation)) continue;
    const auth = user += 1;
    it(`${client} on /notice with auth gets snapshot, progress, and the end over a cut`, (test) =>
      livesOnNotice(test, { generation, transport, user: auth, auth: { user: auth } }));
  }
});

async function livesOnTheMainNamespace(test, generation, transport) {
  const ends = (end) => test.after(end);
  const network = await relay(carillon.publicPort, ends);
  const news = `news ${generation} ${transport}`;
  const page = open({ generation, transport, url: network.url }, ends).listen(news);

  await page.connected();
  const greeting = await page.event('downmsg');
  assert.deepEqual(greeting.args, [{ code: '2001', msg: 'connect success' }]);
  await emitted(page, news, { before: 'the cut' });

  network.cut();
  await page.event('disconnect');
  network.mend();
  await until(() => `a second greeting at ${page}, which heard ${page.story()}`, () =>
    page.count('downmsg') === 2);
  await emitted(page, news, { after: 'the cut' });
}

async function emitted(page, event, data) {
  const { id } = await carillon.emit({ namespace: '/', event, data });
  assert.equal(typeof id, 'string');
  const heard = await page.event(event, (first) => Object.keys(first)[0] === Object.keys(data)[0]);
  assert.deepEqual(heard.args, [data]);
}

async function livesOnNotice(test, { generation, transport, user, query, auth }) {
  const ends = (end) => test.after(end);
  const network = await relay(carillon.publicPort, ends);
  const [seen, unseen] = [`seen_${user}`, `unseen_${user}`];

  await carillon.handIn(progress(user, seen, 10));
  const page = open({ generation, transport, namespace: '/notice', query, auth, url: network.url }, ends);
  const snapshot = await page.notice(seen, 'file.progress');
  assert.deepEqual(snapshot.data, progress(user, seen, 10));
  assertMeta(snapshot.meta, true);
  await page.connected();

  await carillon.handIn(progress(user, seen, 20));
  const live = await page.notice(seen, 'file.progress', ({ data }) => data.progress === 20);
  assertMeta(live.meta, false);

  network.cut();
  await page.event('disconnect');
  await carillon.handIn([complete(user, seen), failed(user, unseen)]);
  network.mend();
  const end = await page.notice(seen, 'file.complete');
  assert.deepEqual(end.data, complete(user, seen));
  const error = await page.notice(unseen, 'file.error');
  assert.deepEqual(error.data, failed(user, unseen));

  // A stock client keeps no cursor, so it hears the ends of the last minutes again: under one id.
  await page.connected();
  network.cut();
  await until('a second disconnect', () => page.count('disconnect') === 2);
  network.mend();
  const ofEnd = () => page.notices(seen).filter(({ event }) => event === 'file.complete');
  await until(() => `the end again at ${page}`, () => ofEnd().length >= 2);
  assert.deepEqual([...new Set(ofEnd().map(({ meta }) => meta.id))], [end.meta.id]);
  const afterEnd = page.notices(seen).slice(page.notices(seen).findIndex(({ event }) => event === 'file.complete'));
  assert.ok(afterEnd.every(({ event }) => event === 'file.complete'), page.story());
}

function assertMeta(meta, replayed) {
  assert.deepEqual(Object.keys(meta).sort(), ['id', 'replayed']);
  assert.match(meta.id, /^.+:.+-\d+$/);
  assert.equal(meta.replayed, replayed);
}
