import { beforeAll, expect, it } from '@jest/globals';
import type { ListOptions, ObjectStore } from './object-store.ts';
import { freshFolder, putText } from './testing/opened-object-store.ts';
import type { OpenedObjectStore } from './testing/opened-object-store.ts';

/** In this order by their bytes: U+FF61 comes before U+1F600 in UTF-8, behind it in UTF-16. */
const names = ['a', 'a-b', 'a.b', 'a/1', 'a/2/x', 'a/2/y', 'a0', 'b', 'd/', 'd/z', 'é', '\uff61', '\u{1f600}'];

interface Listed {
  keys: string[];
  prefixes: string[];
  pages: number;
  /** Entries of the largest page. */
  largest: number;
}

async function listAll(store: ObjectStore, folder: string, options: ListOptions): Promise<Listed> {
  const listed: Listed = { keys: [], prefixes: [], pages: 0, largest: 0 };
  let cursor: string | undefined;
  do {
    const page = await store.list({ ...options, prefix: folder + (options.prefix ?? ''), cursor });
    listed.keys.push(...page.objects.map(({ key }) => key.slice(folder.length)));
    listed.prefixes.push(...page.prefixes.map((prefix) => prefix.slice(folder.length)));
    listed.largest = Math.max(listed.largest, page.objects.length + page.prefixes.length);
    listed.pages += 1;
    cursor = page.next_cursor ?? undefined;
  } while (cursor !== undefined);
  return listed;
}

export function listContract(opened: OpenedObjectStore): void {
  const folder = freshFolder();
  beforeAll(async () => {
    for (const name of names) await putText(opened.store, folder + name, name);
  });
  const inOrder = (keys: string[]): string[] => (opened.isSeaweed === true ? keys.toSorted() : keys);

  it.each([1, 2, 3, 1_000])('gives each key once, in the order of its bytes, in pages of %i', async (limit) => {
    const { keys, prefixes, largest } = await listAll(opened.store, folder, { limit });
    expect(largest).toBeLessThanOrEqual(limit);
    expect(inOrder(keys)).toEqual(inOrder(names));
    expect(prefixes).toEqual([]);
  });

  it.each([1, 2, 3, 1_000])('folds folders, in pages of %i', async (limit) => {
    const { keys, prefixes, largest } = await listAll(opened.store, folder, { limit, delimiter: '/' });
    expect(largest).toBeLessThanOrEqual(opened.isSeaweed === true ? limit + 1 : limit);
    expect(keys).toEqual(['a', 'a-b', 'a.b', 'a0', 'b', 'é', '\uff61', '\u{1f600}']);
    expect(prefixes).toEqual(['a/', 'd/']);
  });

  it('lists a folder with its marker, and what starts with some letters', async () => {
    expect(await listAll(opened.store, folder, { prefix: 'd/', delimiter: '/' })).toMatchObject({ keys: ['d/', 'd/z'], prefixes: [] });
    expect(await listAll(opened.store, folder, { prefix: 'a/', delimiter: '/', limit: 1 })).toMatchObject({ keys: ['a/1'], prefixes: ['a/2/'] });
    expect(await listAll(opened.store, folder, { prefix: 'a/2' })).toMatchObject({ keys: ['a/2/x', 'a/2/y'] });
    expect(await listAll(opened.store, folder, { prefix: 'a.', delimiter: '/' })).toMatchObject({ keys: ['a.b'], prefixes: [] });
    expect(await listAll(opened.store, folder, { prefix: 'none/' })).toEqual({ keys: [], prefixes: [], pages: 1, largest: 0 });
  });

  it('says of each object what head says', async () => {
    const { objects } = await opened.store.list({ prefix: `${folder}a.b` });
    const { content_type: _, ...head } = (await opened.store.head(`${folder}a.b`))!;
    expect(objects).toEqual([expect.objectContaining(head)]);
  });

  it('ends exactly where the keys end', async () => {
    expect((await listAll(opened.store, folder, { prefix: 'a/2/', limit: 2 })).pages).toBe(1);
    expect((await listAll(opened.store, folder, { prefix: 'a/2/', limit: 1 })).pages).toBe(2);
  });

  it('goes on behind a cursor whose key is gone', async () => {
    const other = freshFolder();
    for (const name of ['a', 'b', 'c']) await putText(opened.store, other + name, name);
    const { next_cursor: cursor } = await opened.store.list({ prefix: other, limit: 2 });
    await opened.store.deleteMany([`${other}b`]);
    expect((await opened.store.list({ prefix: other, cursor: cursor! })).objects.map(({ key }) => key)).toEqual([`${other}c`]);
  });

  it.each<[string, ListOptions]>([
    ['a bad cursor', { cursor: '$' }], ['a cursor of another listing', { cursor: 'PmE', prefix: 'x' }], ['a limit of 0', { limit: 0 }], ['a limit of 1,001', { limit: 1_001 }],
  ])('refuses %s', async (_, options) => {
    await expect(opened.store.list(options)).rejects.toMatchObject({ code: 'invalid_request' });
  });
}
