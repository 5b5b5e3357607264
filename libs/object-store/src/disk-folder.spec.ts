import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { DiskObjectStore } from './disk-object-store.ts';
import { bodyOf, cutBody, textOf } from './testing/bytes.ts';
import { putText } from './testing/opened-object-store.ts';

const secret = 'a secret of thirty-two characters';
const stores: DiskObjectStore[] = [];
let folder: string;
beforeEach(async () => void (folder = await mkdtemp(join(tmpdir(), 'kgpu-disk-'))));
afterEach(async () => {
  for (const store of stores.splice(0)) await store.close();
  await rm(folder, { recursive: true });
});

async function open(): Promise<DiskObjectStore> {
  const store = await DiskObjectStore.open({ folder, baseUrl: 'http://localhost', secret });
  stores.push(store);
  return store;
}

async function files(): Promise<string[]> {
  return (await readdir(join(folder, 'objects'), { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

describe('a folder of objects', () => {
  it('is closed to other users', async () => {
    const store = await open();
    await putText(store, 'a', 'abc');
    for (const path of [join(folder, 'index.db'), ...(await files())]) expect((await stat(path)).mode & 0o077).toBe(0);
  });

  it('holds what it held when it is opened again, and what another process of ours writes', async () => {
    const [one, two] = [await open(), await open()];
    await putText(one, 'a', 'abc');
    expect(await textOf(await two.get('a'))).toBe('abc');
    await two.deleteMany(['a']);
    expect(await one.head('a')).toBeNull();
  });

  it('keeps no file of what was replaced, deleted or cut', async () => {
    const store = await open();
    for (const text of ['one', 'two', 'three']) await putText(store, 'a', text);
    await putText(store, 'b', 'b');
    await store.deleteMany(['b']);
    await store.put('c', cutBody('x'), 3).catch(() => {});
    await store.put('d', bodyOf('x', 'yz!'), 3).catch(() => {});
    const deadline = performance.now() + 5_000;
    while ((await files()).length > 2 && performance.now() < deadline) await new Promise(setImmediate);
    expect(await files()).toHaveLength(2);
  });

  it('gives a reader the version it began with, when that is replaced meanwhile', async () => {
    const store = await open();
    const size = 4_000_000;
    await store.put('a', bodyOf(Buffer.alloc(size, 1)), size);
    const { body } = (await store.get('a'))!;
    await store.put('a', bodyOf(Buffer.alloc(size, 2)), size);
    await store.deleteMany(['a']);
    expect((await buffer(body)).equals(Buffer.alloc(size, 1))).toBe(true);
  });

  it('gives all parts of the version it began with', async () => {
    const store = await open();
    const size = 5 * 1024 ** 2;
    const upload = await store.uploads.begin('a');
    const parts = [];
    for (const number of [1, 2, 3]) parts.push(await store.uploads.putPart(upload, number, bodyOf(Buffer.alloc(size, number)), size));
    await store.uploads.complete(upload, parts);
    const { body } = (await store.get('a'))!;
    await store.deleteMany(['a']);
    const read = await buffer(body);
    expect([read.length, read[0], read.at(-1)]).toEqual([3 * size, 1, 3]);
    const deadline = performance.now() + 5_000;
    while ((await files()).length > 0 && performance.now() < deadline) await new Promise(setImmediate);
    expect(await files()).toEqual([]);
  });

  it('sweeps files that nobody knows, and parts of uploads never', async () => {
    const store = await open();
    await putText(store, 'a', 'abc');
    await store.copy('a', 'b');
    const upload = await store.uploads.begin('c');
    const part = await store.uploads.putPart(upload, 1, bodyOf('abc'), 3);
    const left = join(folder, 'objects', 'ab', 'ab00-0');
    await writeFile(left, 'left by a killed writer');
    expect(await store.sweep(Date.now() - 60_000)).toBe(0);
    expect(await store.sweep(Date.now() + 60_000)).toBe(1);
    await store.uploads.complete(upload, [part]);
    expect(await store.sweep(Date.now() + 60_000)).toBe(0);
    for (const key of ['a', 'b', 'c']) expect(await textOf(await store.get(key))).toBe('abc');
  });

  it('makes a damaged index again, with copies and objects of parts', async () => {
    const store = await open();
    await store.put('a', bodyOf('abc'), 3, { contentType: 'text/x' });
    await store.copy('a', 'b');
    const upload = await store.uploads.begin('c');
    await store.uploads.complete(upload, [await store.uploads.putPart(upload, 3, bodyOf('xyz'), 3)]);
    const before = await store.list();
    await stores.pop()!.close();
    await writeFile(join(folder, 'index.db'), 'no index at all, but long enough to be read as one'.repeat(100));
    const again = await open();
    expect(await again.list()).toEqual(before);
    expect(await textOf(await again.get('c'))).toBe('xyz');
  });

  it('tells a lost file from a short object', async () => {
    const store = await open();
    await putText(store, 'a', 'abc');
    for (const path of await files()) await writeFile(path, 'x');
    await expect(textOf(await store.get('a'))).rejects.toMatchObject({ code: 'object_store_unavailable' });
    for (const path of await files()) await rm(path);
    await expect(store.get('a')).rejects.toMatchObject({ code: 'object_store_unavailable' });
  });

  it('does not take a slow reader or a slow sender for a slow disk', async () => {
    const store = await open();
    async function* slow(): AsyncGenerator<Uint8Array> {
      for (const text of ['a', 'b', 'c']) {
        await new Promise((resolve) => setTimeout(resolve, 60));
        yield Buffer.from(text);
      }
    }
    await store.put('a', slow(), 3, { deadlineMs: 50 });
    const { body } = (await store.get('a', { deadlineMs: 50 }))!;
    await new Promise((resolve) => setTimeout(resolve, 120));
    expect((await buffer(body)).toString()).toBe('abc');
  });
});
