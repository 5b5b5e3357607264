import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { DiskObjectStore } from '@kgpu/object-store';
import { bodyOf } from '@kgpu/object-store/testing';
import { temporaryFolder } from '@kgpu/runtime/testing';
import { DriveReader } from './drive-reader.ts';
import { flatList, type FlatQuery } from './flat-list.ts';
import { ObjectHeads } from './object-heads.ts';

const folder = temporaryFolder();
let store: DiskObjectStore;
let reader: DriveReader;

beforeAll(async () => {
  store = await DiskObjectStore.open({ folder: folder.path, baseUrl: 'http://x', secret: 'a secret of thirty-two characters' });
  const keys = [...Array.from({ length: 60 }, (_, n) => `users/1/runs/${n}/${n % 3 === 0 ? 'a.csv' : 'b.bin'}`), 'users/1/runs/', 'users/1/empty/', 'users/12/a.csv'];
  for (const key of keys) await store.put(key, bodyOf(key.endsWith('/') ? '' : 'x'), key.endsWith('/') ? 0 : 1);
  reader = new DriveReader(store, new ObjectHeads(store));
});
afterAll(async () => {
  await store.close();
  folder.remove();
});

async function all(query: Partial<FlatQuery>): Promise<{ paths: string[]; pages: number[] }> {
  const [paths, pages]: [string[], number[]] = [[], []];
  for (let cursor: string | undefined; ;) {
    const page = await flatList(reader, 'user-1', { prefix: '', glob: undefined, limit: 500, ...query, cursor });
    paths.push(...page.files.map(({ path }) => path));
    pages.push(page.files.length);
    if (page.next_cursor === null) return { paths, pages };
    cursor = page.next_cursor;
  }
}

describe('the flat list', () => {
  it('has every file of the drive once, no folder markers, and nothing of others', async () => {
    const { paths } = await all({});
    expect([paths.length, new Set(paths).size]).toEqual([60, 60]);
    expect(paths.some((path) => path.endsWith('/'))).toBe(false);
  });

  it.each([1, 7, 20, 500])('goes on where it was, %d at a time, with a pattern and without', async (limit) => {
    const whole = await all({ limit });
    expect(whole.paths.toSorted()).toEqual((await all({})).paths.toSorted());
    const found = await all({ limit, glob: '*.csv' });
    expect(found.paths).toHaveLength(20);
    expect(new Set(found.paths).size).toBe(20);
    expect(Math.max(...found.pages)).toBeLessThanOrEqual(limit);
  });

  it('narrows by prefix, and matches the path in the drive', async () => {
    expect((await all({ prefix: 'runs/1' })).paths).toHaveLength(11);
    expect((await all({ prefix: 'runs/1', glob: 'runs/1?/a.csv' })).paths.toSorted()).toEqual(['runs/12/a.csv', 'runs/15/a.csv', 'runs/18/a.csv']);
  });

  it.each(['nonsense', '~', 'e30~', `${Buffer.from('[1,2]').toString('base64url')}~`])('refuses the cursor %s', async (cursor) => {
    await expect(flatList(reader, 'user-1', { prefix: '', glob: undefined, limit: 10, cursor })).rejects.toMatchObject({ code: 'invalid_request' });
  });
});
