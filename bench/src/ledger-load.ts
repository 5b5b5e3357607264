/** A ledger on a log, as a process of its own: `ledger-load.js <folder> <deadlines>`. Sends what it has measured. */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { eventCodec } from '@kgpu/contracts';
import { SqliteEventStore } from '@kgpu/event-store';
import { openLedger } from './open-ledger.ts';

export interface Load {
  residentMb: number;
  heapBytes: number;
  /** Of a core. */
  idleCpu: number;
  latestMs: number;
}

const IDLE_MS = 3_000;

const [folder, deadlines] = [process.argv[2]!, Number(process.argv[3])];
const store = await SqliteEventStore.open(join(folder, 'events.db'));
const engine = await openLedger(folder, store);
engine.act();
while (!engine.idle) await sleep(20);
collectGarbage();
await sleep(1_000);
const { rss, heapUsed } = process.memoryUsage();
const load: Load = { residentMb: rss / 1_048_576, heapBytes: heapUsed, idleCpu: await cpuOf(IDLE_MS), latestMs: await latestOf(deadlines) };
process.send!(load, () => process.exit(0));

async function cpuOf(ms: number): Promise<number> {
  const before = process.cpuUsage();
  await sleep(ms);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000 / ms;
}

/** So many rentals end in the next seconds by their duration; how late the latest return was recorded. */
async function latestOf(count: number): Promise<number> {
  const from = await store.head();
  for (let n = 0; n < count; n++) {
    const now = Date.now();
    const ids = { gpu_id: `gpu-${n + 1}-260101000000-ffff${n.toString(16).padStart(4, '0')}`, user_id: n + 1 };
    const started = { ...ids, price_per_hour_credits: 500, warning: null, at: new Date(now).toISOString(), expires_at: new Date(now + 2_000 + n * 7).toISOString() };
    await store.append(`rental-${ids.gpu_id}`, [eventCodec.encode({ type: 'RentalStarted', data: started })], { expected: 'any', commitId: 'start' });
  }
  for (;;) {
    const due = await store.readAll({ after: from, categories: ['account'], types: ['RentalReturnDue'], limit: 10_000 });
    if (due.length >= count) return Math.max(0, ...due.map(({ data }) => Date.parse((data as { at: string }).at) - Date.parse((data as { due_at: string }).due_at)));
    await sleep(100);
  }
}

function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
}
