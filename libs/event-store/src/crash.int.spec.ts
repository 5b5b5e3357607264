import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Acknowledged } from './crash-writer.ts';
import type { RecordedEvent } from './event-store.ts';
import { SqliteEventStore } from './sqlite-event-store.ts';

let folder: string;
let file: string;
const children: ChildProcess[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kgpu-crash-'));
  file = join(folder, 'events.db');
});
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  rmSync(folder, { recursive: true });
});

interface Writer {
  /** The first acknowledgement, or the end of a process that had none. */
  started: Promise<unknown>;
  kill(): void;
  /** Resolves at the end of the process with all that it acknowledged. */
  ended: Promise<Acknowledged[]>;
}

function startWriter(name: string, commits: number): Writer {
  const script = fileURLToPath(new URL('./crash-writer.js', import.meta.url));
  const child = spawn(process.execPath, [script, file, name, String(commits)], { stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(child);
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  // The last line may be torn by the kill: without its end it was not acknowledged.
  const lines = (): Acknowledged[] => output.split('\n').slice(0, -1).map((line) => JSON.parse(line) as Acknowledged);
  const ended = once(child, 'close').then(lines);
  return { started: Promise.race([once(child.stdout, 'data'), ended]), kill: () => void child.kill('SIGKILL'), ended };
}

async function readEverything(store: SqliteEventStore): Promise<RecordedEvent[]> {
  const events: RecordedEvent[] = [];
  for (;;) {
    const page = await store.readAll({ after: events.at(-1)?.position ?? 0, limit: 10_000 });
    events.push(...page);
    if (page.length < 10_000) return events;
  }
}

function expectWhole(events: RecordedEvent[]): void {
  const revisions = new Map<string, number>();
  const commits = new Map<string, RecordedEvent[]>();
  const gaps: RecordedEvent[] = [];
  for (const event of events) {
    if (event.revision !== (revisions.get(event.stream) ?? -1) + 1) gaps.push(event);
    revisions.set(event.stream, event.revision);
    const commit = commits.get(event.metadata.commit_id) ?? [];
    commit.push(event);
    commits.set(event.metadata.commit_id, commit);
  }
  expect(gaps).toEqual([]);
  expect([...commits.values()].filter((commit) => !isWhole(commit))).toEqual([]);
}

function isWhole(commit: RecordedEvent[]): boolean {
  return commit.every(({ data, position, body, metadata }, index) => {
    const written = data as { index: number; of: number };
    const isSound = body === undefined || body.equals(Buffer.alloc(body.length, metadata.commit_id));
    return written.index === index && written.of === commit.length && position === commit[0]!.position + index && isSound;
  });
}

async function expectKept(store: SqliteEventStore, acknowledged: Acknowledged[]): Promise<void> {
  const lost: Acknowledged[] = [];
  for (const line of acknowledged) {
    const found = await store.findCommit(line.stream, line.commitId);
    const kept = found?.position === line.position && found.revision === line.revision && found.events.length === line.size;
    if (!kept) lost.push(line);
  }
  expect(lost).toEqual([]);
}

describe('a writer killed with kill -9', () => {
  it('loses nothing that was acknowledged and leaves no half commit, at 20 random instants', async () => {
    const acknowledged: Acknowledged[] = [];
    for (let round = 0; round < 20; round++) {
      const writer = startWriter(`round-${round}`, Infinity);
      await writer.started;
      await delay(Math.random() * 150);
      writer.kill();
      const lines = await writer.ended;
      expect(lines.length).toBeGreaterThan(0);
      acknowledged.push(...lines);
      const store = await SqliteEventStore.open(file);
      await expectKept(store, lines);
      expectWhole(await readEverything(store));
      await store.close();
    }
    const store = await SqliteEventStore.open(file);
    await expectKept(store, acknowledged);
    await store.close();
  }, 60_000);

  it('does not hold up a second writer', async () => {
    const killed = startWriter('killed', Infinity);
    const other = startWriter('other', 300);
    await Promise.all([killed.started, other.started]);
    killed.kill();
    expect(await other.ended).toHaveLength(300);
    const store = await SqliteEventStore.open(file);
    await expectKept(store, await killed.ended);
    expectWhole(await readEverything(store));
    await store.close();
  });
});

describe('two writing processes', () => {
  it('get everything into one file, and a subscriber in a third sees each event once, in order', async () => {
    const store = await SqliteEventStore.open(file, { pollMs: 5 });
    const seen: RecordedEvent[] = [];
    const subscription = store.subscribe({}, (event) => void seen.push(event));
    const lines = (await Promise.all([startWriter('one', 400).ended, startWriter('two', 400).ended])).flat();
    expect(lines).toHaveLength(800);
    expect(new Set(lines.map((line) => line.position)).size).toBe(800);
    await expectKept(store, lines);
    await subscription.reached(await store.head());
    const written = lines.reduce((sum, line) => sum + line.size, 0);
    expect(seen.map((event) => event.position)).toEqual(Array.from({ length: written }, (_, n) => n + 1));
    expectWhole(seen);
    await store.close();
  });
});
