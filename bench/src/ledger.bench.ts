/**
 * The ledger: replay and audit against reading and parsing the same file; a start with and without a snapshot; very many running
 * rentals; a balance against another query over the bus. `KGPU_BENCH_EVENTS` sets the length of the log.
 */
import { fork } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { SqliteEventStore } from '@kgpu/event-store';
import { audit, claimOf, replay, type Engine } from '@kgpu/ledger/testing';
import { spawnStandalone } from '@kgpu/standalone/testing';
import { EVENTS_PER_RENTAL, writeLedgerLog } from './ledger-log.ts';
import type { Load } from './ledger-load.ts';
import { openLedger } from './open-ledger.ts';
import { measure } from './measure.ts';
import type { Row } from './row.ts';

const EVENTS = Number(process.env['KGPU_BENCH_EVENTS'] ?? 200_000);
const USERS = 2_000;
const RUNNING = 100_000;
const DEADLINES = 100;
/** By default V8 lets a heap grow to twice of what is in use while a log is read. */
const SMALL_HEAP = '--max-semi-space-size=4';

export async function run(): Promise<Row[]> {
  const folder = mkdtempSync(join(tmpdir(), 'kgpu-bench-'));
  try {
    return [...(await history(folder)), ...(await running(join(folder, 'running'))), ...(await balance(join(folder, 'standalone')))];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function history(folder: string): Promise<Row[]> {
  const file = join(folder, 'events.db');
  const store = await SqliteEventStore.open(file);
  const rentals = Math.floor((EVENTS - 2 * USERS) / EVENTS_PER_RENTAL);
  const until = await writeLedgerLog(store, { users: USERS, rentals });
  const log = `${(await store.head()).toLocaleString('en')} events`;
  const [cold, coldS] = await timed(() => openLedger(folder, store));
  try {
    const [, rawS] = await timed(async () => readAndParse(file));
    const to = 'read + JSON.parse of the file';
    const against = (what: string, value: number): Row => ({ what: `${what}, ${log}`, value, unit: 's CPU', ratio: rawS / value, to });
    const [, asItWas] = await timed(() => replayed(cold, until, {}));
    const [, whatIf] = await timed(() => replayed(cold, until, { idle_return_minutes: 30 }));
    const { book, projection } = cold.ledger;
    const [report, auditS] = await timed(() => audit(store, claimOf(book, projection.position)));
    if (!report.ok) throw new Error(`the audit finds ${JSON.stringify(report.differences.slice(0, 3))}`);
    await cold.close();
    const [warm, warmS] = await timed(() => openLedger(folder, store));
    await warm.close();
    const [finished, none] = [await loadOn(folder, 0), await loadWithout(join(folder, 'none'))];
    return [
      against('replay as it was', asItWas), against('replay with ends worked out anew', whatIf), against('audit', auditS),
      against('start without a snapshot', coldS), against('start with a snapshot', warmS),
      { what: `memory for each of ${rentals.toLocaleString('en')} finished rentals`, value: (finished.heapBytes - none.heapBytes) / rentals, unit: 'bytes' },
    ];
  } finally {
    await store.close();
  }
}

/** The same people, who have rented nothing. */
async function loadWithout(folder: string): Promise<Load> {
  mkdirSync(folder);
  const store = await SqliteEventStore.open(join(folder, 'events.db'));
  await writeLedgerLog(store, { users: USERS, rentals: 0 });
  await store.close();
  return loadOn(folder, 0);
}

async function replayed({ ledger }: Engine, until: number, body: { idle_return_minutes?: number }): Promise<void> {
  for await (const _ of replay(ledger.context.store, { body, until, idleReturnMs: 7_200_000 }, new AbortController().signal));
}

function readAndParse(file: string): void {
  const database = new DatabaseSync(file, { readOnly: true });
  for (const row of database.prepare('SELECT * FROM events ORDER BY position').iterate()) JSON.parse(row['data'] as string);
  database.close();
}

/** How much memory a ledger needs for very many running rentals, what it does while nothing happens, and how late it is. */
async function running(folder: string): Promise<Row[]> {
  mkdirSync(folder);
  const store = await SqliteEventStore.open(join(folder, 'events.db'));
  await writeLedgerLog(store, { users: RUNNING, rentals: RUNNING, running: RUNNING, begin: Date.now() - 3_600_000, stepMs: 30 });
  await store.close();
  const { residentMb, idleCpu, latestMs, heapBytes } = await loadOn(folder, DEADLINES);
  const what = `${RUNNING.toLocaleString('en')} running rentals of as many accounts`;
  return [
    { what: `${what}: memory (${SMALL_HEAP})`, value: residentMb, unit: 'MB' },
    { what: '… heap in use', value: heapBytes / 1_048_576, unit: 'MB' },
    { what: '… CPU while nothing happens', value: idleCpu * 100, unit: '% of a core' },
    { what: `… the latest of ${DEADLINES} deadlines`, value: latestMs, unit: 'ms late' },
  ];
}

/** In a process of its own, so that its memory is the ledger's. */
function loadOn(folder: string, deadlines: number): Promise<Load> {
  const child = fork(join(import.meta.dirname, 'ledger-load.js'), [folder, String(deadlines)], { execArgv: [SMALL_HEAP] });
  return new Promise<Load>((resolve, reject) => {
    child.once('message', (message) => resolve(message as Load));
    child.once('exit', (code) => reject(new Error(`the ledger under load ended with ${code}`)));
  });
}

async function balance(folder: string): Promise<Row[]> {
  const system = await spawnStandalone({ KGPU_DATA_DIR: folder, KGPU_PORT: '0', KGPU_COMPUTE: 'process', KGPU_LOG_LEVEL: 'warn', KGPU_RATE_LIMIT_PER_MINUTE: '100000000' });
  try {
    const headers = { authorization: `Bearer ${system.adminToken}` };
    const [other, own] = [await measure(`${system.url}/v1/runs`, headers, 1_000), await measure(`${system.url}/v1/balance`, headers, 1_000)];
    return [{ what: 'GET /v1/balance', value: own.rate, unit: '/s', ratio: own.rate / other.rate, to: 'GET /v1/runs, none there' }];
  } finally {
    await system.stop();
  }
}

/** What came of it, and the seconds of CPU that it took: what else the machine does has no part in them. */
async function timed<T>(act: () => Promise<T>): Promise<[T, number]> {
  const begun = process.cpuUsage();
  const done = await act();
  const { user, system } = process.cpuUsage(begun);
  return [done, (user + system) / 1_000_000];
}
