// Podman and buildah with a store of their own in CONTAINERS, so that what a machine has else is neither seen nor touched; and
// the base images, which are made here of Debian's packages and of this machine's own toolchain.

import { execFile, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

const { CONTAINERS } = process.env;
const CERTIFICATES = '/etc/ssl/certs/ca-certificates.crt';

/** What podman and buildah find their store and their ways by; what a build keeps for the next one lies where they have TMPDIR. */
const environment = { ...process.env, CONTAINERS_CONF: join(CONTAINERS, 'containers.conf'),
  CONTAINERS_STORAGE_CONF: join(CONTAINERS, 'storage.conf'), TMPDIR: join(CONTAINERS, 'kept') };

export function prepare() {
  mkdirSync(environment.TMPDIR, { recursive: true });
  const driver = readFileSync('/proc/filesystems', 'utf8').includes('overlay') ? 'overlay' : 'vfs';
  writeFileSync(environment.CONTAINERS_STORAGE_CONF,
    `[storage]\ndriver = "${driver}"\ngraphroot = "${CONTAINERS}/graph"\nrunroot = "${CONTAINERS}/run"\n`);
  // A machine may give no more open files than these to anyone, and have no systemd to keep control groups.
  writeFileSync(environment.CONTAINERS_CONF, '[containers]\ndefault_ulimits = ["nofile=4096:4096", "nproc=4096:4096"]\n'
    + '[engine]\nruntime = "runc"\ncgroup_manager = "cgroupfs"\nevents_logger = "file"\n[network]\nnetwork_backend = "netavark"\n');
}

/** What a program of theirs says, when it ends well. */
export async function ask(program, ...args) {
  const { stdout } = await promisify(execFile)(program, args.map(String), { env: environment, maxBuffer: 64e6 });
  return stdout.trim();
}

/** All that a container has said, on either stream. */
export async function said(container) {
  const { stdout, stderr } = await promisify(execFile)('podman', ['logs', container], { env: environment, maxBuffer: 64e6 });
  return stdout + stderr;
}

export const podman = (...args) => ask('podman', ...args);

/**
 * Keeps a network's bridge at the address that it has. Netavark before 1.9 gives it the lowest one of all who are attached, so
 * it changes as they come and go, and who knows the one before reaches no name and no host for half a minute.
 */
export async function keepAddress(network) {
  const [{ network_interface: bridge }] = JSON.parse(await podman('network', 'inspect', network));
  await ask('ip', 'link', 'set', bridge, 'address', readFileSync(`/sys/class/net/${bridge}/address`, 'utf8').trim());
}

/** Runs what takes long, with its words on our own output. */
async function run(program, args, cwd) {
  const child = spawn(program, args.map(String), { env: environment, cwd, stdio: ['ignore', 'inherit', 'inherit'] });
  const [code] = await once(child, 'exit');
  if (code !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${code}`);
}

/** As `docker build` does it; what was built before is not built again. */
export const build = (args, folder) =>
  // Whom this machine trusts, the builder trusts, too.
  run('buildah', ['bud', '--isolation', 'chroot', '--layers', '--format', 'docker', '-v', `${CERTIFICATES}:${CERTIFICATES}:ro`, ...args, folder]);

/** An image of Debian packages, made once. `extract` leaves out the tools that install: there is no shell then. */
export async function debian(variant, packages) {
  const image = `localhost/debian-${variant}:${packages.join('-')}`;
  if (await isThere(image)) return image;
  const tar = join(CONTAINERS, 'debian.tar');
  await run('mmdebstrap', [`--variant=${variant}`, `--include=${packages}`, 'bookworm', tar]);
  await podman('import', '--quiet', tar, image);
  rmSync(tar);
  return image;
}

/** The image of a file that is written here. */
export async function made(image, lines, folder) {
  const file = join(CONTAINERS, 'Dockerfile');
  writeFileSync(file, `${lines.join('\n')}\n`);
  await build(['--quiet', '--tag', image, '--file', file], folder);
  return image;
}

/** In place of the image that rust-lang publishes: this machine's toolchain, in Debian. */
export async function toolchain(debianImage) {
  const version = execFileSync('rustc', ['--version'], { encoding: 'utf8' }).split(' ')[1];
  const image = `localhost/rust:${version}`;
  if (await isThere(image)) return image;
  const folder = execFileSync('rustc', ['--print', 'sysroot'], { encoding: 'utf8' }).trim();
  const lines = [`FROM ${debianImage}`, 'COPY bin /usr/local/bin', 'COPY lib /usr/local/lib',
    'ENV CARGO_HOME=/usr/local/cargo PATH=/usr/local/cargo/bin:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin'];
  return made(image, lines, folder);
}

const isThere = (image) => podman('image', 'exists', image).then(() => true, () => false);
