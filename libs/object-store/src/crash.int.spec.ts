import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import type { Acknowledged } from './crash-writer.ts';
import { DiskObjectStore } from './disk-object-store.ts';

let folder: string;
beforeEach(async () => void (folder = await mkdtemp(join(tmpdir(), 'kgpu-object-crash-'))));
afterEach(async () => rm(folder, { recursive: true }));

/** Runs a writer, kills it once it has acknowledged so many changes; all that it acknowledged. */
async function writeAndKill(name: string, changes: number): Promise<Acknowledged[]> {
  const script = fileURLToPath(new URL('./crash-writer.js', import.meta.url));
  const child = spawn(process.execPath, [script, folder, name], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(child, 'close');
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
    if (output.split('\n').length > changes) child.kill('SIGKILL');
  });
  await ended;
  // The last line may be torn by the kill: without its end it was not acknowledged.
  return output.split('\n').slice(0, -1).map((line) => JSON.parse(line) as Acknowledged);
}

function open(): Promise<DiskObjectStore> {
  return DiskObjectStore.open({ folder, baseUrl: 'http://localhost', secret: 'a secret of thirty-two characters' });
}

async function read(store: DiskObjectStore): Promise<Map<string, { size: number; byte: number }>> {
  const contents = new Map<string, { size: number; byte: number }>();
  for (const { key, size } of (await store.list()).objects) {
    const bytes = await buffer((await store.get(key))!.body);
    expect(bytes.length).toBe(size);
    expect(bytes.every((byte) => byte === bytes[0])).toBe(true);
    contents.set(key, { size, byte: bytes[0]! });
  }
  return contents;
}

/** Each key holds what was acknowledged last, or what was being written when the kill came. */
async function expectKept(store: DiskObjectStore, acknowledged: Acknowledged[]): Promise<void> {
  const contents = await read(store);
  const last = new Map(acknowledged.map(({ key, content }) => [key, content]));
  const changes = new Map<string, number>();
  for (const { key } of acknowledged) changes.set(key.slice(0, key.lastIndexOf('/')), (changes.get(key.slice(0, key.lastIndexOf('/'))) ?? 0) + 1);
  for (const [key, content] of last) {
    const loop = key.slice(0, key.lastIndexOf('/'));
    const isInFlight = key === `${loop}/${changes.get(loop)! % 5}`;
    if (!isInFlight) expect([key, contents.get(key) ?? null]).toEqual([key, content]);
  }
}

async function filesIn(path: string): Promise<number> {
  return (await readdir(path, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile()).length;
}

describe('a writer killed with kill -9 during 1,000 writes', () => {
  it('leaves only whole objects, every acknowledged one, and nothing else once it is swept', async () => {
    for (const [round, changes] of [30, 400, 1_000].entries()) {
      const acknowledged = await writeAndKill(`round-${round}`, changes);
      expect(acknowledged.length).toBeGreaterThanOrEqual(changes);
      const store = await open();
      await expectKept(store, acknowledged);
      await store.sweep(Date.now() + 60_000);
      const { objects } = await store.list();
      expect(await filesIn(join(folder, 'objects'))).toBe(2 * objects.length);
      await expectKept(store, acknowledged);
      await store.close();
    }
  }, 60_000);

  it('leaves enough to make the index again', async () => {
    const acknowledged = await writeAndKill('lost', 200);
    const store = await open();
    await store.sweep(Date.now() + 60_000);
    const before = await store.list();
    await store.close();
    for (const name of ['index.db', 'index.db-wal', 'index.db-shm']) await rm(join(folder, name), { force: true });
    const rebuilt = await open();
    await expectKept(rebuilt, acknowledged);
    expect(await rebuilt.list()).toEqual(before);
    await rebuilt.close();
  });
});
