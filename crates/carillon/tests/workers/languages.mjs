// The languages of the guide: how each snippet becomes a program, in a folder of its own under
// target/workers. What is installed there stays until the lock file changes, and is announced.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { block } from './guide.mjs';

const HERE = dirname(fileURLToPath(import.meta.url));
const INSTALL_MS_MAX = 400_000;

/** Languages that `cargo xtask test` could not bring to this machine, and has said so. */
const MISSING = (process.env.WORKERS_MISSING ?? '').split(' ');

// Cargo would take the folder for a part of our workspace, if it were not one by itself.
const CRATE = `[package]
name = "worker"
version = "0.0.0"
edition = "2024"

[workspace]

[profile.dev]
debug = false

`;

/** `files` by the guide's language of their block; `install` once per lock file, `build` each time. */
export const LANGUAGES = [
  {
    name: 'Python',
    files: { python: 'worker.py' },
    lock: 'requirements.txt',
    install: ['python3 -m venv venv', 'venv/bin/pip install --quiet -r requirements.txt'],
    run: 'venv/bin/python worker.py',
  },
  {
    name: 'Node',
    files: { js: 'worker.mjs' },
    lock: 'package-lock.json',
    install: ['npm ci --ignore-scripts --no-audit --no-fund'],
    run: 'node worker.mjs',
  },
  {
    name: 'Go',
    files: { go: 'worker.go' },
    lock: 'go.sum',
    install: ['go mod download'],
    build: 'env CGO_ENABLED=0 go build -o worker .',
    run: './worker',
  },
  { name: 'PHP', files: { php: 'worker.php' }, run: 'php worker.php' },
  {
    name: 'Java',
    files: { java: 'Worker.java' },
    lock: 'pom.xml',
    install: ['mvn -q -B dependency:copy-dependencies -DoutputDirectory=lib'],
    run: 'java -cp lib/* Worker.java',
  },
  {
    name: 'Rust',
    files: { toml: 'Cargo.toml', rust: 'src/main.rs' },
    lock: 'Cargo.lock',
    install: ['cargo fetch --quiet --locked'],
    build: 'cargo build --quiet --locked --target-dir target',
    run: 'target/debug/worker',
  },
  { name: 'Shell', files: { sh: 'worker.sh' }, run: 'sh worker.sh' },
].map((language) => ({
  ...language,
  identity: `copy-${language.name.toLowerCase()}`,
  skip: MISSING.includes(language.name.toLowerCase()) && `${language.name} is not on this machine`,
}));

const made = new Map();

/** The folder in which `run` works. Made once in a test run. */
export function make(language) {
  if (!made.has(language.name)) made.set(language.name, makeOnce(language));
  return made.get(language.name);
}

async function makeOnce({ name, files, lock, install = [], build }) {
  assert.ok(process.env.CARILLON_BIN, 'CARILLON_BIN names no carillon binary');
  const folder = join(dirname(process.env.CARILLON_BIN), '../workers', name.toLowerCase());
  mkdirSync(join(folder, 'src'), { recursive: true });
  if (lock) cpSync(join(HERE, name.toLowerCase()), folder, { recursive: true });
  for (const [language, file] of Object.entries(files)) {
    writeFileSync(join(folder, file), (file === 'Cargo.toml' ? CRATE : '') + block(name, language));
  }
  if (lock && !isInstalled(folder, lock)) {
    for (const command of install) {
      process.stderr.write(`installing into ${folder}: ${command}\n`);
      await start(command, folder, {}, INSTALL_MS_MAX);
    }
    writeFileSync(mark(folder), readFileSync(join(folder, lock)));
  }
  if (build) await start(build, folder, {}, INSTALL_MS_MAX);
  return folder;
}

/** A copy of the lock file, left when all that it names was there. */
const mark = (folder) => join(folder, '.installed-lock');

function isInstalled(folder, lock) {
  if (!readdirSync(folder).includes('.installed-lock')) return false;
  return readFileSync(mark(folder)).equals(readFileSync(join(folder, lock)));
}

/** Runs one command to its end; one that ends badly or not at all is a failure with its words. */
export function start(command, folder, env, limit = 60_000) {
  const [program, ...args] = command.split(' ');
  const options = { cwd: folder, env: { ...process.env, ...env }, timeout: limit };
  return promisify(execFile)(program, args, options);
}
