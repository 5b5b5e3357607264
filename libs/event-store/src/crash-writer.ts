/**
 * A process of its own for the crash tests: `node crash-writer.js <file> <name> <commits>` appends commits of 1 to 5
 * events, some with bodies, to three streams that all writers share, and prints a line of JSON for each that was acknowledged.
 */
import { writeSync } from 'node:fs';
import { SqliteEventStore } from './sqlite-event-store.ts';

/** What a line says; the commit's events are numbered `{index, of: size}`. */
export interface Acknowledged {
  stream: string;
  commitId: string;
  size: number;
  position: number;
  revision: number;
}

const atOnce = 8;

async function write(file: string, name: string, commits: number): Promise<void> {
  const store = await SqliteEventStore.open(file);
  let next = 0;
  const appendOn = async (): Promise<void> => {
    while (next < commits) await appendOne(store, name, next++);
  };
  await Promise.all(Array.from({ length: atOnce }, appendOn));
  await store.close();
}

async function appendOne(store: SqliteEventStore, name: string, number: number): Promise<void> {
  const stream = `crash-${number % 3}`;
  const commitId = `${name}-${number}`;
  const size = 1 + (number % 5);
  const padding = 'x'.repeat(number % 7 === 0 ? 6_000 : 300);
  // Every fourth commit has bodies that go into files.
  const body = number % 4 === 0 ? { body: Buffer.alloc(20_000 + number, commitId) } : {};
  const events = Array.from({ length: size }, (_, index) => ({ type: 'Written', v: 1, data: { index, of: size, padding }, ...body }));
  const { position, revision } = await store.append(stream, events, { expected: 'any', commitId });
  const line: Acknowledged = { stream, commitId, size, position, revision };
  writeSync(1, `${JSON.stringify(line)}\n`);
}

const [file, name, commits] = process.argv.slice(2);
await write(file!, name!, Number(commits));
