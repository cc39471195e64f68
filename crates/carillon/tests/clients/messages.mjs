// What workers say: the four samples as text, and small messages in their manner.

import { readFileSync } from 'node:fs';

const folder = new URL('../../../notice/samples/', import.meta.url);

/** The samples as the worker wrote them, in an order in which all four are delivered. */
export const SAMPLES = [
  ['progress', 'file.progress'],
  ['complete', 'file.complete'],
  ['error', 'file.error'],
  ['cancel', 'file.cancel'],
].map(([name, event]) => ({ name, event, text: sample(name) }));

/** The name that a careless encoder spoils: Chinese, and a character of two UTF-16 units. */
export const HARD_NAME = '测试 📄.mp4';

export function sample(name) {
  return readFileSync(new URL(`${name}.json`, folder), 'utf8').trim();
}

/** A sample as it would be of another task and file, its other bytes untouched. */
export function renamed(text, identity, name) {
  const { identity: oldIdentity, name: oldName } = JSON.parse(text);
  return text
    .replace(JSON.stringify(oldIdentity), JSON.stringify(identity))
    .replaceAll(`"name": ${JSON.stringify(oldName)}`, `"name": ${JSON.stringify(name)}`);
}

const message = (user, identity, rest) => ({ identity, userIdentity: user, name: 'july.mp4', ...rest });

export const progress = (user, identity, percent, rest) =>
  message(user, identity, { status: 100, progress: percent, ...rest });

export const complete = (user, identity, rest) => message(user, identity, { status: 1000, ...rest });

export const failed = (user, identity, rest) =>
  message(user, identity, { errorCode: 5003, errorMessage: 'destination is full', ...rest });

export const cancelled = (user, identity, rest) =>
  message(user, identity, { status: -1, action: 'cancel', ...rest });
