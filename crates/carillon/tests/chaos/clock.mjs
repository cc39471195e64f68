// The clock of one program, which can be made to jump: clock.c, built once for a run, reads it from a file.

import { execFileSync } from 'node:child_process';
import { closeSync, openSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const SOURCE = fileURLToPath(new URL('clock.c', import.meta.url));

export class Clock {
  #file;
  #library;

  constructor(folder, name) {
    this.#file = join(folder, `${name}.clock`);
    this.#library = join(folder, 'clock.so');
    writeFileSync(this.#file, offset(0));
  }

  /** Where the clocks of a run are built. */
  static build(folder) {
    execFileSync('cc', ['-shared', '-fPIC', '-O1', '-o', join(folder, 'clock.so'), SOURCE]);
  }

  get env() {
    return { LD_PRELOAD: this.#library, CHAOS_CLOCK: this.#file };
  }

  /** It is so far off from now on; a later jump is from the true time. */
  jump(seconds) {
    // In place: the file is mapped, and must not be shorter for a moment.
    const file = openSync(this.#file, 'r+');
    writeSync(file, offset(seconds), 0, 8, 0);
    closeSync(file);
  }
}

function offset(seconds) {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64LE(BigInt(seconds));
  return bytes;
}
