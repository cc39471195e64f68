// docs/workers.md, taken apart: what is run here is what stands there, to the letter.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';

const GUIDE = readFileSync(new URL('../../../../docs/workers.md', import.meta.url), 'utf8');

/** The first block of `language` below `heading`, and above the next heading. */
export function block(heading, language) {
  const section = GUIDE.split(/^##+ /m).find((part) => part.startsWith(`${heading}\n`));
  assert.ok(section, `docs/workers.md has no heading "${heading}"`);
  const found = new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\`$`, 'ms').exec(section);
  assert.ok(found, `"${heading}" of docs/workers.md has no block of ${language}`);
  return found[1];
}
