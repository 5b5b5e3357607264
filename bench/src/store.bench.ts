/** The event store against bare `node:sqlite` with the same durability, in the same run. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SqliteEventStore } from '@kgpu/event-store';
import type { Row } from './row.ts';
import { BareLog } from './bare-log.ts';

const APPENDS = 2_000;
const BATCHES = 300;
const BATCH = 64;
const event = { type: 'RentalStarted', v: 1, data: { gpu_id: 'gpu-1-260517010000-0a0b0c0d', user_id: 1, price_per_hour_credits: 500, at: '2026-05-17T01:00:00.000Z' } };

export async function run(): Promise<Row[]> {
  const folder = mkdtempSync(join(tmpdir(), 'kgpu-bench-'));
  const store = await SqliteEventStore.open(join(folder, 'store.db'));
  const bare = new BareLog(join(folder, 'bare.db'));
  try {
    const json = JSON.stringify(event.data);
    const bareOne = rate(APPENDS, await seconds(() => { for (let n = 0; n < APPENDS; n++) bare.append([json]); }));
    const storeOne = rate(APPENDS, await seconds(async () => {
      for (let n = 0; n < APPENDS; n++) await store.append(`rental-${n}`, [event], { expected: 'any', commitId: `one-${n}` });
    }));
    const bareMany = rate(BATCHES * BATCH, await seconds(() => { for (let n = 0; n < BATCHES; n++) bare.append(Array.from({ length: BATCH }, () => json)); }));
    const storeMany = rate(BATCHES * BATCH, await seconds(async () => {
      for (let n = 0; n < BATCHES; n++) await store.append(`many-${n}`, Array.from({ length: BATCH }, () => event), { expected: 'any', commitId: 'many' });
    }));
    const total = APPENDS + BATCHES * BATCH;
    const bareRead = rate(total, await seconds(() => bare.replay()));
    const storeRead = rate(total, await seconds(async () => {
      const subscription = store.subscribe({}, () => undefined);
      await subscription.caughtUp;
      await subscription.stop();
    }));
    const to = 'bare node:sqlite';
    return [
      { what: 'append, one event a commit', value: storeOne, unit: '/s', ratio: storeOne / bareOne, to },
      { what: `append, ${BATCH} events a commit`, value: storeMany, unit: '/s', ratio: storeMany / bareMany, to },
      { what: 'replay with JSON.parse', value: storeRead, unit: '/s', ratio: storeRead / bareRead, to },
    ];
  } finally {
    await store.close();
    bare.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function seconds(act: () => void | Promise<void>): Promise<number> {
  const begun = performance.now();
  await act();
  return (performance.now() - begun) / 1_000;
}

function rate(count: number, inSeconds: number): number {
  return count / inSeconds;
}
