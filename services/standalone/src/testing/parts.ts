/** A whole kgpu as its parts: nats-server and each service a process of its own, which can be killed and started again by itself. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { findNatsServer } from '@kgpu/runtime';
import { until } from '@kgpu/runtime/testing';

/** A service, or one of several of it: `runner`, `runner.2`. */
export type PartName = 'nats' | 'ledger' | 'rental' | 'gateway' | `runner${'' | `.${number}`}`;

export interface PartsOptions {
  settings?: Record<string, string>;
  /** Default 1. */
  runners?: number;
}

const START_DEADLINE_MS = 30_000;
const STOP_DEADLINE_MS = 10_000;
const KEPT_WORDS = 20_000;
const services = join(import.meta.dirname, '..', '..', '..');

export class Parts {
  readonly #running = new Map<PartName, ChildProcess>();
  readonly #words = new Map<PartName, string>();

  private constructor(
    readonly folder: string,
    readonly names: readonly PartName[],
    readonly url: string,
    private readonly natsPort: number,
    private readonly settings: Record<string, string>,
  ) {}

  /** Resolves when all of them answer. */
  static async start({ settings = {}, runners = 1 }: PartsOptions = {}): Promise<Parts> {
    const folder = mkdtempSync(join(tmpdir(), 'kgpu-parts-'));
    const [natsPort, port] = [await freePort(), await freePort()];
    const names = ['nats', 'ledger', 'rental', ...Array.from({ length: runners }, (_, n) => (n === 0 ? 'runner' : `runner.${n + 1}`)), 'gateway'] as PartName[];
    writeFileSync(join(folder, 'nats.conf'), `host: 127.0.0.1\nport: ${natsPort}\nmax_payload: 8388608\n`);
    const parts = new Parts(folder, names, `http://127.0.0.1:${port}`, natsPort, {
      KGPU_DATA_DIR: join(folder, 'data'), KGPU_PORT: String(port), KGPU_COMPUTE: 'process', KGPU_NATS_URL: `nats://127.0.0.1:${natsPort}`, KGPU_LOG_LEVEL: 'info', ...settings,
    });
    for (const name of names) await parts.start(name);
    return parts;
  }

  get adminToken(): string {
    return readFileSync(join(this.folder, 'data', 'admin-token'), 'utf8').trim();
  }

  /** Resident memory of a part, in MB. */
  memoryOf(name: PartName): number {
    return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${this.pidOf(name)}/status`, 'utf8'))![1]) / 1_024;
  }

  pidOf(name: PartName): number {
    return this.#running.get(name)!.pid!;
  }

  /** Processes that a part has started and that live now. */
  childrenOf(name: PartName): number {
    const pid = this.pidOf(name);
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter((child) => child !== '').length;
  }

  /** What it has said last. */
  wordsOf(name: PartName): string {
    return this.#words.get(name) ?? '';
  }

  /** `kill -9`; resolves when the process is gone. */
  async kill(name: PartName): Promise<void> {
    await this.#stop(name, 'SIGKILL');
  }

  /** Asks it to end; resolves when it has. */
  async stop(name: PartName): Promise<void> {
    await this.#stop(name, 'SIGTERM');
  }

  /** Starts it, again and again while what it needs is not there, as an init system does; resolves when it answers. */
  async start(name: PartName): Promise<void> {
    const deadline = performance.now() + START_DEADLINE_MS;
    while (!(await this.#startOnce(name))) {
      if (performance.now() > deadline) throw new Error(`${name} does not start: ${this.wordsOf(name)}`);
      await sleep(100);
    }
  }

  /** Ends all of it and takes its folder away; its rentals must have been returned before. */
  async remove(): Promise<void> {
    for (const name of this.names.toReversed()) await this.#stop(name, 'SIGTERM');
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** True when it answers; false when it ended before. */
  async #startOnce(name: PartName): Promise<boolean> {
    const child = name === 'nats' ? this.#spawnNats() : this.#spawnService(name);
    this.#running.set(name, child);
    let answers = false;
    child.stderr!.on('data', (chunk: Buffer) => {
      answers ||= chunk.includes('"msg":"answers"');
      this.#words.set(name, (this.wordsOf(name) + chunk.toString()).slice(-KEPT_WORDS));
    });
    const isUp = async () => (name === 'nats' ? listens(this.natsPort) : answers);
    await until(async () => child.exitCode !== null || child.signalCode !== null || isUp(), START_DEADLINE_MS);
    return isUp();
  }

  #spawnNats(): ChildProcess {
    return spawn(findNatsServer()!, ['-c', join(this.folder, 'nats.conf')], { stdio: ['ignore', 'ignore', 'pipe'] });
  }

  #spawnService(name: PartName): ChildProcess {
    const inherited = Object.entries(process.env).filter(([variable]) => !variable.startsWith('KGPU_'));
    const main = join(services, name.split('.')[0]!, 'dist', 'main.js');
    return spawn(process.execPath, [main], { env: { ...Object.fromEntries(inherited), ...this.settings }, stdio: ['ignore', 'ignore', 'pipe'] });
  }

  async #stop(name: PartName, signal: NodeJS.Signals): Promise<void> {
    const child = this.#running.get(name);
    this.#running.delete(name);
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill(signal);
    const force = setTimeout(() => child.kill('SIGKILL'), STOP_DEADLINE_MS);
    await exited;
    clearTimeout(force);
  }
}

/** Nobody has it now; that nobody takes it before we do is likely enough for a test. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}
