// What processes say, and the secrets that tests know, kept for the last step of `cargo xtask test`: in the folder
// that TEST_RECORD names. Where it names none, nothing is kept.

import { appendFileSync } from 'node:fs';
import { join } from 'node:path';

const folder = process.env.TEST_RECORD;

function keep(ending, text) {
  if (folder) appendFileSync(join(folder, `clients-${process.pid}.${ending}`), `${text}\n`);
}

/** Something that a process has said. */
export const said = (text) => keep('log', text);

/** Something that none may say: a session's id, a token. */
export const secret = (text) => keep('secrets', text);
