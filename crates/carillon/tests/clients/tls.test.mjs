// The public port by TLS: every generation and transport, plain clients, old versions of TLS, and a
// certificate that changes while sockets stay.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { connect } from 'node:tls';
import { node } from './carillon.mjs';
import { PAIRS, open } from './generations.mjs';
import { until } from './until.mjs';

const files = mkdtempSync(join(tmpdir(), 'carillon-tls-'));
const cert = join(files, 'cert.pem');
const key = join(files, 'key.pem');
after(() => rmSync(files, { recursive: true }));

/** Signs a new certificate for 127.0.0.1 by itself, and puts it where the node looks. */
function renew(name) {
  const [newCert, newKey] = [join(files, 'new.crt'), join(files, 'new.key')];
  execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256',
    '-nodes', '-days', '365', '-subj', `/CN=${name}`, '-addext', 'subjectAltName=IP:127.0.0.1',
    '-keyout', newKey, '-out', newCert], { stdio: 'ignore' });
  renameSync(newKey, key);
  renameSync(newCert, cert);
}

renew('first');
const carillon = node({
  settings: { CARILLON_PUBLIC__TLS__CERT: cert, CARILLON_PUBLIC__TLS__KEY: key },
});
const url = () => carillon.url.replace('http', 'https');

/** What a client is shown, by this version of TLS or the best that both know. */
function greeted(version) {
  const versions = version && { minVersion: version, maxVersion: version };
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port: carillon.publicPort, rejectUnauthorized: false,
      ALPNProtocols: ['h2', 'http/1.1'], ciphers: 'ALL:@SECLEVEL=0', ...versions });
    socket.on('error', reject);
    socket.on('secureConnect', () => {
      const { CN } = socket.getPeerCertificate().subject;
      resolve({ CN, version: socket.getProtocol(), speaks: socket.alpnProtocol });
      socket.destroy();
    });
  });
}

describe('by TLS', { concurrency: 8 }, () => {
  for (const { generation, transport } of PAIRS) {
    it(`${generation} by ${transport} hears snapshot and end`, async (test) => {
      const user = `tls-${generation}-${transport}`;
      const page = open({ generation, transport, url: url(), namespace: '/notice',
        query: `user=${user}`, auth: { user }, options: { rejectUnauthorized: false } },
      (end) => test.after(end));
      await page.connected();
      const end = { identity: user, userIdentity: user, status: 1000, name: '文件 🙂'.repeat(2_000) };
      await carillon.handIn(end);
      const { data } = await page.notice(user, 'file.complete');
      assert.deepEqual(data, end);
    });
  }

  it('ten thousand ends arrive in their order', async (test) => {
    const page = open({ generation: '4.8', transport: 'websocket', url: url(), namespace: '/notice',
      auth: { user: 'many' }, options: { rejectUnauthorized: false } }, (end) => test.after(end));
    await page.connected();
    const end = (n) => ({ identity: `t${n}`, userIdentity: 'many', status: 1000 });
    const all = Array.from({ length: 10_000 }, (_, n) => end(n));
    await carillon.handIn(all);
    await until('all ends', () => page.count('file.complete') === all.length, 30_000);
    const heard = page.named('file.complete').map(({ args: [{ identity }] }) => identity);
    assert.deepEqual(heard, all.map(({ identity }) => identity));
  });

  it('1.2 and 1.3 are spoken, and nothing older', async () => {
    assert.deepEqual(await greeted(), { CN: 'first', version: 'TLSv1.3', speaks: 'http/1.1' });
    assert.equal((await greeted('TLSv1.2')).version, 'TLSv1.2');
    for (const old of ['TLSv1.1', 'TLSv1']) {
      await assert.rejects(greeted(old), /alert|protocol|version|handshake/i, old);
    }
  });

  it('who speaks plainly is let go, and others are not disturbed', async () => {
    await assert.rejects(fetch(`${carillon.url}/socket.io/?EIO=4&transport=polling`));
    assert.equal((await greeted()).version, 'TLSv1.3');
  });
});

it('a new certificate is shown to newcomers, and who is there stays', async (test) => {
  const page = open({ generation: '4.8', transport: 'websocket', url: url(), namespace: '/notice',
    auth: { user: 'stays' }, options: { rejectUnauthorized: false } }, (end) => test.after(end));
  await page.connected();
  renew('second');
  await until('the new certificate', async () => (await greeted()).CN === 'second', 30_000);
  await carillon.handIn({ identity: 'after', userIdentity: 'stays', status: 1000 });
  await page.notice('after', 'file.complete');
  assert.equal(page.count('disconnect'), 0);
  assert.ok(await carillon.count('carillon_tls_certificate_expires_seconds') > 300 * 86_400);
  assert.ok(!carillon.log.includes(readFileSync(key, 'utf8').split('\n')[1]), 'the key is in the log');
});
