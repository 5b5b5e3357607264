import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as delay } from 'node:timers/promises';
import { withBody } from './bodies.contract.ts';
import { eventStoreContract } from './event-store.contract.ts';
import type { NewEvent } from './event-store.ts';
import { fresh, notes } from './use-store.ts';
import { SqliteEventStore } from './sqlite-event-store.ts';
import type { SqliteOptions } from './sqlite-event-store.ts';

let folder: string;
let file: string;
let stores: SqliteEventStore[];

function newFolder(): void {
  folder = mkdtempSync(join(tmpdir(), 'kgpu-event-store-'));
  file = join(folder, 'data', 'events.db');
  stores = [];
}

async function removeFolder(): Promise<void> {
  await Promise.all(stores.map((store) => store.close()));
  rmSync(folder, { recursive: true });
}

async function open(options?: SqliteOptions): Promise<SqliteEventStore> {
  stores.push(await SqliteEventStore.open(file, options));
  return stores.at(-1)!;
}

/** Runs SQL behind the store's back. */
function tamper(sql: string): void {
  const database = new DatabaseSync(file, { timeout: 1_000 });
  database.exec(sql);
  database.close();
}

eventStoreContract('SQLite', async () => {
  newFolder();
  return {
    store: await open(),
    reopen: () => open(),
    lose: async (stream, revision) => tamper(`DELETE FROM events WHERE stream = '${stream}' AND revision = ${revision}`),
    close: removeFolder,
  };
});

describe('the SQLite file', () => {
  beforeEach(newFolder);
  afterEach(removeFolder);

  it('is readable by its owner only, with all that lies beside it', async () => {
    await (await open()).append('a-1', notes(1), fresh());
    for (const each of [file, `${file}-wal`, `${file}-shm`]) expect(statSync(each).mode & 0o777).toBe(0o600);
    expect(statSync(join(folder, 'data')).mode & 0o777).toBe(0o700);
  });

  it('is in WAL mode, so that readers and the writer of several processes do not wait for each other', async () => {
    await open();
    const database = new DatabaseSync(file);
    expect(database.prepare('PRAGMA journal_mode').get()).toEqual({ journal_mode: 'wal' });
    database.close();
  });

  it('is refused when a newer kgpu made it', async () => {
    await (await open()).close();
    tamper('PRAGMA user_version = 3');
    await expect(open()).rejects.toThrow('was made by a newer version of kgpu (schema 3; this one knows 2): update kgpu');
  });

  it('is refused when it belongs to another program', async () => {
    await (await open()).close();
    rmSync(file);
    tamper('CREATE TABLE theirs (x)');
    await expect(open()).rejects.toThrow('is an SQLite file, but not an event store of kgpu');
  });

  it('is refused when it is something else', async () => {
    await (await open()).close();
    writeFileSync(file, 'x'.repeat(5_000));
    await expect(open()).rejects.toThrow('events.db is not an SQLite file');
  });

  it('halts subscriptions at an event that cannot be read', async () => {
    const store = await open();
    await store.append('a-1', notes(1, 2), fresh());
    tamper("UPDATE events SET data = '{' WHERE position = 2");
    await expect(store.subscribe({}, () => {}).caughtUp).rejects.toThrow('the event at position 2 is not JSON');
  });

  it('is opened by ten at the same moment', async () => {
    const opened = await Promise.all(Array.from({ length: 10 }, () => open()));
    await Promise.all(opened.map((store, n) => store.append(`a-${n}`, notes(n), fresh('no_stream'))));
    expect(await opened[0]!.readAll()).toHaveLength(10);
  });
});

describe('the folder of bodies', () => {
  beforeEach(newFolder);
  afterEach(removeFolder);

  const large = (fill = 'x'): NewEvent[] => [withBody(Buffer.alloc(100_000, fill))];
  const bodies = (): string => `${file}-bodies`;
  const longAgo = new Date(Date.now() - 3_600_000);

  it('is readable by its owner only', async () => {
    await (await open()).append('a-1', large(), fresh());
    expect(statSync(bodies()).mode & 0o777).toBe(0o700);
    expect(readdirSync(bodies()).map((name) => statSync(join(bodies(), name)).mode & 0o777)).toEqual([0o600]);
  });

  it('is not made for small bodies', async () => {
    await (await open()).append('a-1', [withBody(Buffer.alloc(32_768))], fresh());
    expect(existsSync(bodies())).toBe(false);
  });

  it('gives space back when nothing refers to a file any more', async () => {
    const store = await open();
    for (let n = 0; n < 40; n++) await store.append('a-1', [withBody(Buffer.alloc(1_000_000))], fresh());
    await store.append('b-1', large(), fresh());
    expect(readdirSync(bodies())).toHaveLength(4);
    await store.truncate('a-1', 20);
    expect(readdirSync(bodies())).toHaveLength(3);
    await store.deleteStream('a-1');
    expect(readdirSync(bodies())).toHaveLength(1);
    await store.expire('b', new Date(Date.now() + 1_000), 10);
    expect(readdirSync(bodies())).toEqual([]);
  });

  it('holds no file that a killed process left behind, after a while', async () => {
    const store = await open();
    await store.append('a-1', large(), fresh());
    for (const name of ['old', 'young']) writeFileSync(join(bodies(), name), 'x');
    for (const name of readdirSync(bodies())) if (name !== 'young') utimesSync(join(bodies(), name), longAgo, longAgo);
    await (await open()).expire('b', new Date(), 10);
    expect(readdirSync(bodies())).not.toContain('old');
    expect(readdirSync(bodies())).toHaveLength(2);
    expect(await store.read('a-1')).toHaveLength(1);
  });

  it('takes a body again whose file was removed by another process before the append was through', async () => {
    const store = await open();
    await store.append('a-1', large('a'), fresh());
    const holder = new DatabaseSync(file);
    holder.exec('BEGIN IMMEDIATE');
    const appending = store.append('b-1', large('b'), fresh());
    while (readdirSync(bodies()).length < 2) await delay(1);
    holder.exec("DELETE FROM events WHERE stream = 'a-1'");
    for (const name of readdirSync(bodies())) rmSync(join(bodies(), name));
    holder.exec('COMMIT');
    holder.close();
    await appending;
    expect((await store.read('b-1'))[0]!.body!.equals(Buffer.alloc(100_000, 'b'))).toBe(true);
  });

  it('is missed loudly', async () => {
    const store = await open();
    await store.append('a-1', large(), fresh());
    for (const name of readdirSync(bodies())) rmSync(join(bodies(), name));
    await expect(store.read('a-1')).rejects.toThrow('the log is broken: there is no');
    await expect(store.subscribe({}, () => {}).caughtUp).rejects.toThrow('the log is broken');
  });
});

describe('a file of version 1', () => {
  beforeEach(newFolder);
  afterEach(removeFolder);

  it('is lifted, and keeps what it holds', async () => {
    const store = await open();
    await store.append('a-1', notes(1), fresh());
    await store.close();
    tamper(`DROP INDEX events_by_body_place; ALTER TABLE events DROP COLUMN body;
      CREATE INDEX events_of_new_streams ON events (category) WHERE revision = 0; PRAGMA user_version = 1`);
    const lifted = await open();
    await lifted.append('a-1', [withBody(Buffer.from('new'))], fresh(0));
    expect((await lifted.read('a-1')).map(({ data, body }) => [data, body])).toEqual([[{ n: 1 }, undefined], [{ bytes: 3 }, Buffer.from('new')]]);
  });
});

describe('a lock of another process', () => {
  let holder: DatabaseSync;
  beforeEach(newFolder);
  afterEach(async () => {
    holder.close();
    await removeFolder();
  });

  async function openLocked(options?: SqliteOptions): Promise<SqliteEventStore> {
    const store = await open(options);
    await store.append('a-1', notes(1), fresh());
    holder = new DatabaseSync(file);
    holder.exec('BEGIN IMMEDIATE');
    return store;
  }

  it('is waited for while other work and reads go on', async () => {
    const store = await openLocked();
    let appended = false;
    const appending = store.append('a-1', notes(2), fresh(0)).then((result) => {
      appended = true;
      return result;
    });
    let longestMs = 0;
    for (let turn = 0; turn < 20; turn++) {
      const started = performance.now();
      await delay(5);
      longestMs = Math.max(longestMs, performance.now() - started);
      expect(await store.read('a-1')).toHaveLength(1);
    }
    expect(appended).toBe(false);
    expect(longestMs).toBeLessThan(1_000);
    holder.exec('COMMIT');
    expect(await appending).toMatchObject({ position: 2, revision: 1 });
  });

  it('ends the append as service_unavailable when it lasts too long', async () => {
    const store = await openLocked({ busyDeadlineMs: 50 });
    const options = fresh();
    await expect(store.append('a-1', notes(2), options)).rejects.toMatchObject({ code: 'service_unavailable' });
    holder.exec('COMMIT');
    expect(await store.append('a-1', notes(2), options)).toMatchObject({ position: 2, repeated: false });
  });
});
