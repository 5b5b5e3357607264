import { appendFileSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { chained, eventCodec } from '@kgpu/contracts';
import { MemoryEventStore } from '@kgpu/event-store';
import { createLog } from '@kgpu/runtime';
import { temporaryFolder } from '@kgpu/runtime/testing';
import { Book } from './book.ts';
import { SnapshotStore } from './snapshot.store.ts';

const at = '2026-05-17T12:00:00.000Z';
const gpu_id = 'gpu-1-260517010000-0a1b2c3d';
let folder: ReturnType<typeof temporaryFolder>;
let store: MemoryEventStore;
let snapshots: SnapshotStore;
let book: Book;
let file: string;

beforeEach(async () => {
  folder = temporaryFolder();
  file = join(folder.path, 'ledger-snapshot.jsonl');
  store = new MemoryEventStore();
  snapshots = new SnapshotStore(folder.path, store, createLog('silent'));
  book = new Book();
  const terms = { name: 'n', image: 'i', env: {}, node: 'here', gpu_model: 'GB10', price_per_hour_credits: 500, duration_seconds: 60, token_hash: 'x' };
  await record('account-1', { type: 'AccountOpened', data: chained('', 'AccountOpened', { user_id: 1, units: 600, at }) });
  await record(`rental-${gpu_id}`, { type: 'RentalRequested', data: { gpu_id, user_id: 1, ...terms, at } });
  await record(`rental-${gpu_id}`, { type: 'RentalStarted', data: { gpu_id, user_id: 1, price_per_hour_credits: 500, expires_at: '2026-05-18T00:00:00.000Z', warning: null, at } });
  await snapshots.save(book, await store.head(), (await store.readAll()).at(-1)!.id);
});
afterEach(() => folder.remove());

async function record(stream: string, event: Parameters<Book['apply']>[0]): Promise<void> {
  const { position } = await store.append(stream, [eventCodec.encode(event)], { expected: 'any', commitId: event.type });
  const recorded = (await store.readAll()).at(-1)!;
  book.apply(event, recorded.id, position);
}

describe('a snapshot', () => {
  it('is the book at its position, and goes on from there', async () => {
    const loaded = (await snapshots.load())!;
    expect(loaded.position).toBe(3);
    expect([...loaded.book.accounts]).toEqual([...book.accounts]);
    expect(loaded.book.rentals.get(gpu_id)).toBe(loaded.book.accounts.get(1)!.rentals[0]);
    const ended = { type: 'RentalEnded', data: { gpu_id, user_id: 1, reason: 'returned', message: null, at } } as const;
    for (const each of [book, loaded.book]) each.apply(ended, 'end', 4);
    expect([...loaded.book.accounts]).toEqual([...book.accounts]);
  });

  it('leaves nothing but itself in the folder', () => {
    expect(readdirSync(folder.path)).toEqual(['ledger-snapshot.jsonl']);
  });

  it('is not used when it is damaged, cut off, or of a version or log that is not this one', async () => {
    const text = readFileSync(file, 'utf8');
    const spoilt = [
      '', 'x', text.replace('"granted":600', '"granted":900'), text.slice(0, -20), text.slice(0, text.indexOf('\n') + 1),
      text.replace(/"version":\d+/, '"version":0'), text.replace(/"position":3/, '"position":2'), text.replace(/"event_id":"./, '"event_id":"_'),
    ];
    for (const each of spoilt) {
      writeFileSync(file, each);
      expect(await snapshots.load()).toBeNull();
    }
    writeFileSync(file, text);
    appendFileSync(file, 'what comes after its end does not matter');
    expect(await snapshots.load()).not.toBeNull();
  });

  it('is not there before the first one', async () => {
    expect(await new SnapshotStore(join(folder.path, 'other'), store, createLog('silent')).load()).toBeNull();
  });
});
