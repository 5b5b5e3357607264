import { expect, it } from '@jest/globals';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fresh, notes } from './use-store.ts';
import { openEventStore } from './open-event-store.ts';

it('opens an SQLite file by its URL', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'kgpu-open-'));
  const url = `sqlite:${join(folder, 'events.db')}`;
  const store = await openEventStore(url);
  await store.append('a-1', notes(1), fresh());
  await store.close();
  const again = await openEventStore(url);
  expect(await again.head()).toBe(1);
  await again.close();
  rmSync(folder, { recursive: true });
});

it('opens a store in memory, a new one each time', async () => {
  await (await openEventStore('memory:')).append('a-1', notes(1), fresh());
  expect(await (await openEventStore('memory:')).head()).toBe(0);
});

it.each(['', 'sqlite:', 'events.db', 'postgres://user:secret@host', 'memory'])('refuses %p and says what there is, without secrets', async (url) => {
  const error = await openEventStore(url).catch((caught: Error) => caught);
  expect(error).toMatchObject({ message: expect.stringContaining('sqlite:<file> or memory:') });
  expect((error as Error).message).not.toContain('secret');
});
