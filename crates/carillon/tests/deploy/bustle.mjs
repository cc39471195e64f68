// What pages and backends do with a cluster all day, over and over, so that whoever watches it has something to see.

import { connect } from 'node:tls';
import { Page } from '../clients/generations.mjs';
import { complete } from '../clients/messages.mjs';
import { Ceaseless } from './ceaseless.mjs';

const USER = 5;

/** Two nodes that share everything, and one whose clients come by TLS. */
export class Bustle extends Ceaseless {
  #nodes;
  #secure;
  #task = 0;
  /** Why the last round did not come to its end. */
  fault = null;

  constructor(nodes, secure) {
    super();
    [this.#nodes, this.#secure] = [nodes, secure];
  }

  async round() {
    this.fault = await this.#visit().then(() => null, (error) => error);
  }

  /** A page comes as stock clients do, says and hears all there is, loses its room to a rival, and goes. */
  async #visit() {
    const [one, other] = this.#nodes;
    const room = `room-${this.#task}`;
    const page = new Page({ generation: '4.8', url: one.url, transport: 'upgrade', namespace: '/notice', query: `user=${USER}` });
    const rival = new Page({ generation: '4.8', url: other.url, namespace: '/' });
    try {
      await page.connected();
      page.socket.on('question', (answer) => answer('yes'));
      for (const member of [new Page({ generation: '4.8', namespace: '/', beside: page }), rival]) {
        await member.seated();
        await member.ask('loginRoom', { id: room, type: 'loginWhenLast' });
      }
      await page.ask('said', 'something for the backend');
      const task = `task-${this.#task += 1}`;
      await other.handIn(complete(USER, task));
      await page.notice(task, 'file.complete');
      await other.emit({ namespace: '/notice', to: { user: `${USER}` }, event: 'question', ack: { timeout: '2s' } });
      await other.sockets(`?user=${USER}`);
      const { status } = await other.post('/v1/downlink', { ROOT: { BODY: { eventName: 'hello', data: task } } });
      if (status !== 200) throw new Error(`downlink: ${status}`);
      await elsewhere(one, other);
      await greet(this.#secure.publicPort);
    } finally {
      page.close();
      rival.close();
    }
  }
}

/** A session of one node, asked for at another one. */
async function elsewhere(one, other) {
  const path = '/socket.io/?EIO=4&transport=polling';
  const opened = await (await fetch(one.url + path)).text();
  await fetch(`${other.url}${path}&sid=${JSON.parse(opened.slice(1)).sid}`, { method: 'POST', body: '1' });
}

/** A TLS handshake, and no more. */
function greet(port) {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false }, () => socket.end(resolve));
    socket.on('error', reject);
  });
}
