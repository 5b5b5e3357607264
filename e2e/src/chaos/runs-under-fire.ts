/**
 * Runs write numbered lines while what watches over them, carries their output and shows it is killed -9 at random: each byte
 * must be on record once, each run end once, and each client get each byte once.
 */
import { createHash, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventCodec, type RunEvent } from '@kgpu/contracts';
import { SqliteEventStore } from '@kgpu/event-store';
import type { PartName, Parts } from '@kgpu/standalone/testing';
import type { FrontDoor } from '../front-door.ts';
import { startParts } from '../parts.ts';
import { EventsClient, LogClient } from '../resuming-client.ts';
import { randomFrom } from './random.ts';

export interface Fire {
  /** Bytes that all writers write together, at the least: they go on while the fire does. */
  bytes: number;
  /** How long they take for it at the least. */
  seconds: number;
  /** How often something is killed, at the least. */
  kills: number;
  /** The same seed aims at the same parts. */
  seed?: number;
}

/** What was done, in words, and what was not as it should be. */
export interface Report {
  lines: string[];
  differences: string[];
}

const WRITERS = 4;
const LINE_BYTES = 20;
const LINES_AT_ONCE = 5_000;
const OVER = '/tmp/the-fire-is-over';
const LONGEST_PAUSE_MS = 700;
const LONGEST_OUTAGE_MS = 600;
const PATIENCE_MS = 180_000;

type Target = PartName | 'a client' | 'a session';
const targets: readonly Target[] = ['runner', 'runner.2', 'gateway', 'nats', 'a client', 'a session'];

export async function runsUnderFire({ bytes, seconds, kills, seed = Number.parseInt(randomBytes(4).toString('hex'), 16) }: Fire): Promise<Report> {
  const { parts, admin, remove } = await startParts({ runners: 2, settings: { KGPU_RATE_LIMIT_PER_MINUTE: '1000000' } });
  const scene = new Scene(parts, admin, randomFrom(seed));
  try {
    await scene.begin(Math.floor(bytes / WRITERS / LINE_BYTES), seconds);
    await scene.fire(seconds, kills);
    return await scene.report(seed);
  } finally {
    scene.close();
    await remove();
  }
}

class Scene {
  readonly #kills = new Map<Target, number>();
  readonly #clients: (EventsClient | LogClient)[] = [];
  readonly #followed: Promise<void>[] = [];
  readonly #writers: string[] = [];
  readonly #small = new Set<string>();
  readonly #differences: string[] = [];
  readonly #began = performance.now();
  #gpuId = '';
  #refusals = 0;
  #bytes = 0;

  constructor(
    private readonly parts: Parts,
    private readonly admin: FrontDoor,
    private readonly random: () => number,
  ) {}

  /** Starts writers of `lines` numbered lines at least, which tell their number at the end, and two clients of each. */
  async begin(lines: number, seconds: number): Promise<void> {
    const { admin } = this;
    this.#gpuId = (await admin.post('/v1/gpus', { image: 'any', wait_seconds: 30 })).body['gpu_id'];
    const pause = ((seconds * LINES_AT_ONCE) / lines).toFixed(3);
    const some = `for (i = 0; i < ${LINES_AT_ONCE}; i++) printf "%019d\\n", n++; fflush(); system("sleep ${pause}")`;
    const program = `BEGIN { n = 0; do { ${some} } while (n < ${lines} || system("test -e ${OVER}") != 0); print n >"/dev/stderr" }`;
    for (let n = 0; n < WRITERS; n++) {
      const { run_id } = (await admin.post('/v1/runs', { gpu_id: this.#gpuId, command: ['awk', program], wait_seconds: 0 })).body;
      this.#writers.push(run_id);
      for (const Client of [EventsClient, LogClient]) {
        const client = new Client(this.parts.url, admin.token!, run_id);
        this.#clients.push(client);
        this.#followed.push(client.follow().catch((error: Error) => void this.#differences.push(`${Client.name} of ${run_id}: ${error.message}`)));
      }
    }
  }

  /** Kills, lets it be down for a moment, starts it again; everything has its turn. Then tells the writers that it is over. */
  async fire(seconds: number, kills: number): Promise<void> {
    const end = performance.now() + seconds * 1_000;
    const over = new AbortController();
    const small = this.#startSmallRuns(over.signal);
    for (let n = 0, bag: Target[] = []; n < kills || performance.now() < end; n++) {
      if (bag.length === 0) bag = [...targets];
      await sleep(this.random() * LONGEST_PAUSE_MS);
      const [target] = bag.splice(Math.floor(this.random() * bag.length), 1);
      this.#kills.set(target!, (this.#kills.get(target!) ?? 0) + 1);
      await this.#kill(target!);
    }
    over.abort();
    await small;
    await this.#ask('over', ['touch', OVER]);
  }

  async #kill(target: Target): Promise<void> {
    if (target === 'a client') return this.#clients[Math.floor(this.random() * this.#clients.length)]!.cut();
    if (target === 'a session') return this.#killSession();
    await this.parts.kill(target);
    await sleep(this.random() * LONGEST_OUTAGE_MS);
    await this.parts.start(target);
  }

  /** One of the connections into the container, which are children of a runner. */
  #killSession(): void {
    const pid = this.parts.pidOf(this.random() < 0.5 ? 'runner' : 'runner.2');
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter((child) => child !== '');
    const victim = children[Math.floor(this.random() * children.length)];
    if (victim !== undefined) process.kill(Number(victim), 'SIGKILL');
  }

  /** Runs that are asked for while nothing is sure. */
  async #startSmallRuns(over: AbortSignal): Promise<void> {
    for (let n = 0; !over.aborted; n++) {
      const runId = await this.#ask(`small-${n}`, ['echo', `small ${n}`]);
      if (runId !== null) this.#small.add(runId);
      await sleep(100);
    }
  }

  /** Asks with a key until somebody answers. */
  async #ask(key: string, command: string[]): Promise<string | null> {
    for (;;) {
      const reply = await this.admin.post('/v1/runs', { gpu_id: this.#gpuId, command, wait_seconds: 0 }, { 'idempotency-key': key }).catch(() => null);
      if (reply?.status === 201) return reply.body['run_id'];
      if (reply !== null && reply.status < 500) {
        this.#differences.push(`a run was refused: ${reply.status} ${JSON.stringify(reply.body)}`);
        return null;
      }
      this.#refusals++;
      await sleep(100);
    }
  }

  /** Clients that still wait for something wait no longer. */
  close(): void {
    for (const client of this.#clients) client.close();
  }

  async report(seed: number): Promise<Report> {
    await this.#settle();
    for (const runId of this.#writers) await this.#checkWriter(runId);
    await this.#checkSmall();
    await this.#checkFacts();
    const kills = [...this.#kills].map(([target, count]) => `${target} ${count}`).join(', ');
    const total = [...this.#kills.values()].reduce((sum, count) => sum + count, 0);
    const connections = this.#clients.reduce((sum, client) => sum + client.connections, 0);
    return {
      lines: [
        `seed ${seed}; ${total} kills in ${((performance.now() - this.#began) / 1_000).toFixed(0)} s: ${kills}`,
        `${this.#bytes.toLocaleString('en')} bytes by ${WRITERS} runs, and ${this.#small.size} small runs (${this.#refusals} requests repeated)`,
        `${this.#clients.length} clients, ${connections} attempts to connect, each byte once: ${this.#clients.map(({ received }) => received.bytes).reduce((x, y) => x + y, 0).toLocaleString('en')} bytes`,
      ],
      differences: this.#differences,
    };
  }

  async #settle(): Promise<void> {
    const late = sleep(PATIENCE_MS, 'late' as const, { ref: false });
    if ((await Promise.race([Promise.all(this.#followed), late])) === 'late') this.#differences.push('the clients did not get everything in time');
  }

  /** The writer itself has said how many lines it wrote. */
  async #checkWriter(runId: string): Promise<void> {
    const { body } = await this.admin.get(`/v1/runs/${runId}?wait_seconds=30`);
    const lines = Number(body['stderr']);
    const [size, expected] = [lines * LINE_BYTES, sha256(lines)];
    this.#bytes += size;
    const { phase, exit_code, stdout_bytes, output_truncated } = body;
    const seen = JSON.stringify({ phase, exit_code, stdout_bytes, output_truncated });
    const wanted = JSON.stringify({ phase: 'Succeeded', exit_code: 0, stdout_bytes: size, output_truncated: false });
    if (lines === 0 || seen !== wanted) this.#differences.push(`${runId} is ${seen} after ${lines} lines`);
    const recorded = createHash('sha256').update(await this.#logOf(runId)).digest('hex');
    if (recorded !== expected) this.#differences.push(`${runId} has recorded sha256 ${recorded} instead of ${expected}`);
    for (const client of this.#clients.filter((each) => each.runId === runId)) {
      const { bytes, sha256: digest } = client.received;
      if (bytes !== size || digest !== expected) this.#differences.push(`a ${client.constructor.name} got ${bytes} bytes of ${size}, sha256 ${digest}`);
    }
  }

  async #logOf(runId: string): Promise<Buffer> {
    const response = await fetch(`${this.parts.url}/v1/runs/${runId}/logs?stream=stdout`, { headers: { authorization: `Bearer ${this.admin.token}` } });
    return Buffer.from(await response.arrayBuffer());
  }

  async #checkSmall(): Promise<void> {
    for (const runId of this.#small) {
      const { body } = await this.admin.get(`/v1/runs/${runId}?wait_seconds=30`);
      if (body['phase'] !== 'Succeeded' || !/^small \d+\n$/.test(body['stdout'])) this.#differences.push(`${runId} is ${JSON.stringify(body)}`);
    }
  }

  /** One start and one end of each run, whoever recorded them. */
  async #checkFacts(): Promise<void> {
    const store = await SqliteEventStore.open(join(this.parts.folder, 'data', 'events.db'));
    for (const runId of [...this.#writers, ...this.#small]) {
      const types = (await store.read(`run-${runId}`)).map((event) => eventCodec.decode<RunEvent>(event).type).join(' ');
      if (types !== 'RunRequested RunStarted RunEnded') this.#differences.push(`${runId} has the facts ${types}`);
    }
    await store.close();
  }
}

function sha256(lines: number): string {
  const hash = createHash('sha256');
  for (let from = 0; from < lines; from += 10_000) {
    hash.update(Array.from({ length: Math.min(10_000, lines - from) }, (_, n) => `${String(from + n).padStart(LINE_BYTES - 1, '0')}\n`).join(''));
  }
  return hash.digest('hex');
}
