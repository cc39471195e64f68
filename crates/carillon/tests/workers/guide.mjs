// docs/workers.md and docs/uplink.md, taken apart: what is run here is what stands there, to the letter.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';

/** The first block of `language` below `heading`, and above the next heading. */
export function block(heading, language, page = 'workers') {
  const guide = readFileSync(new URL(`../../../../docs/${page}.md`, import.meta.url), 'utf8');
  const section = guide.split(/^##+ /m).find((part) => part.startsWith(`${heading}\n`));
  assert.ok(section, `docs/${page}.md has no heading "${heading}"`);
  const found = new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\`$`, 'ms').exec(section);
  assert.ok(found, `"${heading}" of docs/${page}.md has no block of ${language}`);
  return found[1];
}
