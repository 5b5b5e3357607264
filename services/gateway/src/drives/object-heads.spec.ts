import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { DiskObjectStore } from '@kgpu/object-store';
import { bodyOf } from '@kgpu/object-store/testing';
import { temporaryFolder } from '@kgpu/runtime/testing';
import { forgetChanged } from './changed-objects.ts';
import { DriveReader } from './drive-reader.ts';
import { ObjectHeads } from './object-heads.ts';

const folder = temporaryFolder();
const key = 'users/1/a';
let store: DiskObjectStore;
let heads: ObjectHeads;
let nowMs = 0;
let asked = 0;
const put = (text: string, to = key) => store.put(to, bodyOf(text), Buffer.byteLength(text));
const size = async () => (await heads.head(key))?.size;

beforeAll(async () => {
  store = await DiskObjectStore.open({ folder: folder.path, baseUrl: 'http://x', secret: 'a secret of thirty-two characters' });
  for (const method of ['head', 'list'] as const) {
    const ask = store[method].bind(store) as (...args: unknown[]) => unknown;
    Object.assign(store, { [method]: (...args: unknown[]) => (asked++, ask(...args)) });
  }
});
afterAll(async () => {
  await store.close();
  folder.remove();
});
beforeEach(async () => {
  heads = new ObjectHeads(store, () => nowMs);
  await put('one');
  asked = 0;
});

describe('heads of objects', () => {
  it('are asked for once in thirty seconds', async () => {
    expect([await size(), await size(), asked]).toEqual([3, 3, 1]);
    nowMs += 30_001;
    await size();
    expect(asked).toBe(2);
  });

  it('are forgotten with the facts that change them', async () => {
    await size();
    await put('three');
    expect(await size()).toBe(3);
    forgetChanged(heads, { type: 'UploadConfirmed', data: { drive: 'user-1', upload_id: 'u', path: 'a', size: 5, etag: 'e', counts: 5, at: '2026-05-17T01:00:00Z' } }, new Date());
    expect(await size()).toBe(5);
  });

  it('below a folder are forgotten with it', async () => {
    await put('x', 'users/1/f/b');
    await heads.head('users/1/f/b');
    await store.deleteMany(['users/1/f/b']);
    forgetChanged(heads, { type: 'DeletionCompleted', data: { drive: 'user-1', operation_id: 'o', path: 'f', scope: 'folder', files: 1, exact: true, at: '2026-05-17T01:00:00Z' } }, new Date());
    expect(await heads.head('users/1/f/b')).toBeNull();
  });

  it('are not kept while somebody may be uploading past us', async () => {
    await size();
    heads.uploading(key, 60_000);
    await size();
    await put('three');
    expect(await size()).toBe(5);
    nowMs += 60_001;
    await size();
    asked = 0;
    await size();
    expect(asked).toBe(0);
  });

  it('are not kept when the object changed while the store was asked', async () => {
    const looking = heads.reading(async () => {
      const info = await store.head(key);
      heads.forget(key);
      return info;
    }, (info) => [info!]);
    await looking;
    await put('three');
    expect(await size()).toBe(5);
  });

  it('of a folder that somebody goes through slowly come with a listing again', async () => {
    for (let n = 0; n < 120; n++) await put('x', `users/1/slow/${n}`);
    const reader = new DriveReader(store, heads);
    await reader.list('user-1', 'slow');
    asked = 0;
    const lookAt = async (from: number, to: number) => {
      await Promise.all(Array.from({ length: to - from }, (_, n) => reader.stat('user-1', `slow/${from + n}`)));
    };
    await lookAt(0, 60);
    expect(asked).toBe(0);
    nowMs += 27_000;
    await lookAt(60, 80);
    nowMs += 4_000;
    await lookAt(80, 120);
    expect(asked).toBe(1);
    nowMs += 60_000;
    await lookAt(0, 3);
    expect(asked).toBe(4);
  });

  it('of a folder of files come with its listing', async () => {
    for (let n = 0; n < 25; n++) await put('x', `users/1/many/${n}`);
    const reader = new DriveReader(store, heads);
    asked = 0;
    let page = await reader.list('user-1', 'many', { limit: 10 });
    for (const entries = [...page.entries]; ; entries.push(...page.entries)) {
      if (page.next_cursor === null) break;
      page = await reader.list('user-1', 'many', { limit: 10, cursor: page.next_cursor });
    }
    for (let n = 0; n < 25; n++) expect(await reader.stat('user-1', `many/${n}`)).toMatchObject({ kind: 'file', size: 1 });
    expect(asked).toBe(3);
  });
});
