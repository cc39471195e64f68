// The metrics that there are: those that docs/metrics.md names. A histogram has three series.

import { readFileSync } from 'node:fs';

const SERIES = { histogram: ['_bucket', '_sum', '_count'] };
const DOC = readFileSync(new URL('../../../../docs/metrics.md', import.meta.url), 'utf8');
const KNOWN = new Set([...DOC.matchAll(/^\| `(carillon_\w+)` \| (\w+) \|/gm)].flatMap(([, name, type]) =>
  (SERIES[type] ?? ['']).map((end) => name + end)));

/** Names in an expression that no node has. */
export const strangers = (expr) => [...expr.matchAll(/\bcarillon_\w+/g)].map(([name]) => name).filter((name) => !KNOWN.has(name));
