import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createHash, randomBytes } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import { listContract } from './list.contract.ts';
import { presignContract } from './presign.contract.ts';
import { bodyOf, cutBody, textOf } from './testing/bytes.ts';
import { freshFolder, putText } from './testing/opened-object-store.ts';
import type { OpenedObjectStore } from './testing/opened-object-store.ts';
import { uploadsContract } from './uploads.contract.ts';

export type OpenObjectStore = () => Promise<OpenedObjectStore>;

/** What every adapter promises, asked of the store itself. Call it at the top level of the adapter's spec. */
export function objectStoreContract(name: string, openStore: OpenObjectStore): void {
  describe(`${name} as an object store`, () => {
    const opened = {} as OpenedObjectStore;
    beforeAll(async () => void Object.assign(opened, await openStore()), 60_000);
    afterAll(async () => opened.close());
    describe('put', () => putContract(opened));
    describe('get', () => getContract(opened));
    describe('copy and delete', () => copyContract(opened));
    describe('keys', () => keyContract(opened));
    describe('list', () => listContract(opened));
    describe('uploads in parts', () => uploadsContract(opened));
    describe('presigned URLs', () => presignContract(opened));
  });
}

function putContract(opened: OpenedObjectStore): void {
  it('keeps the bytes, the content type and the MD5 as etag', async () => {
    const key = `${freshFolder()}a`;
    const { etag } = await opened.store.put(key, bodyOf('hello ', 'world'), 11, { contentType: 'text/plain' });
    expect(etag).toBe(createHash('md5').update('hello world').digest('hex'));
    const head = await opened.store.head(key);
    expect(head).toEqual({ key, size: 11, etag, content_type: 'text/plain', modified_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/) });
    expect(Math.abs(Date.parse(head!.modified_at) - Date.now())).toBeLessThan(10_000);
    expect(await textOf(await opened.store.get(key))).toBe('hello world');
  });

  it('keeps an object of nothing', async () => {
    const key = `${freshFolder()}dir/`;
    await opened.store.put(key, bodyOf(), 0);
    expect(await opened.store.head(key)).toMatchObject({ key, size: 0, content_type: 'application/octet-stream' });
    expect(await textOf(await opened.store.get(key))).toBe('');
  });

  it('keeps large bodies of odd chunks', async () => {
    const key = `${freshFolder()}large`;
    const bytes = randomBytes(3_000_001);
    await opened.store.put(key, bodyOf(bytes.subarray(0, 1), bytes.subarray(1, 2_999_999), bytes.subarray(2_999_999)), bytes.length);
    const { body } = (await opened.store.get(key))!;
    expect(bytes.equals(await buffer(body))).toBe(true);
  });

  it.each<[string, () => AsyncIterable<Uint8Array>, object]>([
    ['is too short', () => bodyOf('ne'), { code: 'invalid_request' }],
    ['is empty', () => bodyOf(), { code: 'invalid_request' }],
    ['is one byte too long', () => bodyOf('new', '!'), { code: 'invalid_request' }],
    ['is too long in one chunk', () => bodyOf('new!'), { code: 'invalid_request' }],
    ['is cut', () => cutBody('n', 'e'), { message: 'the client is gone' }],
    ['is cut after its last byte', () => cutBody('new'), { message: 'the client is gone' }],
  ])('keeps the old object when a body %s', async (_, body, error) => {
    const key = `${freshFolder()}a`;
    await putText(opened.store, key, 'old');
    await expect(opened.store.put(key, body(), 3)).rejects.toMatchObject(error);
    expect(await textOf(await opened.store.get(key))).toBe('old');
  });

  it('leaves nothing of a body that is cut where nothing was', async () => {
    const key = `${freshFolder()}a`;
    await expect(opened.store.put(key, cutBody('x'), 3)).rejects.toThrow('gone');
    expect(await opened.store.head(key)).toBeNull();
  });

  it('creates only, when asked, and one of many at once wins', async () => {
    const key = `${freshFolder()}a`;
    const puts = await Promise.allSettled(['one', 'two', 'six'].map((text) => opened.store.put(key, bodyOf(text), 3, { createOnly: true })));
    expect(puts.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    await expect(opened.store.put(key, bodyOf('new'), 3, { createOnly: true })).rejects.toMatchObject({ code: 'precondition_failed' });
    expect(await textOf(await opened.store.get(key))).not.toBe('new');
  });

  it('ends with the reason of the caller who gives up', async () => {
    const key = `${freshFolder()}a`;
    const stop = new AbortController();
    async function* slow(): AsyncGenerator<Uint8Array> {
      yield Buffer.from('x');
      stop.abort(new Error('enough'));
      yield Buffer.from('yz');
    }
    await expect(opened.store.put(key, slow(), 3, { signal: stop.signal })).rejects.toThrow('enough');
    expect(await opened.store.head(key)).toBeNull();
  });

  it('refuses sizes that are none', async () => {
    await expect(opened.store.put('a', bodyOf(), -1)).rejects.toMatchObject({ code: 'invalid_request' });
    await expect(opened.store.put('a', bodyOf(), 5 * 1024 ** 3 + 1)).rejects.toMatchObject({ code: 'payload_too_large' });
  });
}

function getContract(opened: OpenedObjectStore): void {
  it.each([
    [{ first: 0, last: 0 }, '0', { first: 0, last: 0 }],
    [{ first: 3 }, '3456789', { first: 3, last: 9 }],
    [{ first: 8, last: 100 }, '89', { first: 8, last: 9 }],
    [{ suffix: 3 }, '789', { first: 7, last: 9 }],
    [{ suffix: 100 }, '0123456789', { first: 0, last: 9 }],
  ])('gives the range %j', async (range, text, resolved) => {
    const key = `${freshFolder()}a`;
    await putText(opened.store, key, '0123456789');
    const content = await opened.store.get(key, { range });
    expect(content).toMatchObject({ size: 10, range: resolved });
    expect(await textOf(content)).toBe(text);
  });

  it('says the size to a range that lies outside', async () => {
    const key = `${freshFolder()}a`;
    await putText(opened.store, key, '0123456789');
    await expect(opened.store.get(key, { range: { first: 10 } })).rejects.toMatchObject({ code: 'range_not_satisfiable', fields: { size: 10 } });
  });

  it('gives only the version that is asked for', async () => {
    const key = `${freshFolder()}a`;
    const etag = await putText(opened.store, key, 'one');
    expect(await textOf(await opened.store.get(key, { ifMatch: etag }))).toBe('one');
    await putText(opened.store, key, 'two');
    await expect(opened.store.get(key, { ifMatch: etag })).rejects.toMatchObject({ code: 'precondition_failed' });
  });

  it('gives null for what is not there', async () => {
    const key = `${freshFolder()}a`;
    expect(await opened.store.get(key)).toBeNull();
    expect(await opened.store.head(key)).toBeNull();
    expect(await opened.store.copy(key, `${key}2`)).toBeNull();
  });

  it('may be left unread', async () => {
    const key = `${freshFolder()}a`;
    await opened.store.put(key, bodyOf(Buffer.alloc(2_000_000)), 2_000_000);
    for (let n = 0; n < 10; n++) (await opened.store.get(key))!.body.destroy();
    expect(await opened.store.head(key)).toMatchObject({ size: 2_000_000 });
  });
}

function copyContract(opened: OpenedObjectStore): void {
  it('copies bytes and type over what is there, and the copy lives on its own', async () => {
    const folder = freshFolder();
    await opened.store.put(`${folder}a +%#?é`, bodyOf('one'), 3, { contentType: 'text/x' });
    await putText(opened.store, `${folder}b`, 'old');
    await opened.store.copy(`${folder}a +%#?é`, `${folder}b`);
    await putText(opened.store, `${folder}a +%#?é`, 'two');
    await opened.store.deleteMany([`${folder}a +%#?é`]);
    expect(await opened.store.head(`${folder}b`)).toMatchObject({ content_type: 'text/x' });
    expect(await textOf(await opened.store.get(`${folder}b`))).toBe('one');
  });

  it('copies an object onto itself by leaving it', async () => {
    const key = `${freshFolder()}a`;
    const etag = await putText(opened.store, key, 'one');
    expect(await opened.store.copy(key, key)).toEqual({ etag });
    expect(await textOf(await opened.store.get(key))).toBe('one');
  });

  it('copies the marker of a folder, and leaves no folder where its marker and all in it are deleted', async () => {
    const folder = freshFolder();
    const keys = ['a/', 'a/b/', 'a/b/c/'].map((name) => folder + name);
    for (const key of keys) await opened.store.put(key, bodyOf(''), 0, { contentType: 'application/x-directory' });
    await opened.store.copy(keys[2]!, `${folder}copy/`);
    expect((await opened.store.list({ prefix: `${folder}copy/` })).objects).toMatchObject([{ key: `${folder}copy/`, size: 0 }]);
    await opened.store.deleteMany(keys);
    expect((await opened.store.list({ prefix: folder, delimiter: '/' })).prefixes).toEqual([`${folder}copy/`]);
  });

  it('deletes many, known or not, and nothing else', async () => {
    const folder = freshFolder();
    for (const name of ['a', 'a/b', 'ab']) await putText(opened.store, folder + name, name);
    await opened.store.deleteMany([`${folder}a`, `${folder}none`, ...Array.from({ length: 1_500 }, (_, n) => `${folder}x${n}`)]);
    expect(await opened.store.head(`${folder}a`)).toBeNull();
    expect(await textOf(await opened.store.get(`${folder}a/b`))).toBe('a/b');
    expect(await textOf(await opened.store.get(`${folder}ab`))).toBe('ab');
    await opened.store.deleteMany([]);
  });
}

function keyContract(opened: OpenedObjectStore): void {
  const twins = ['a', 'A', 'a/b', 'a/B/c', 'a b', 'a+b', 'a%20b', 'a%2Bb', '\u00e9', 'e\u0301', '\u{1f600}', '\uff61', 'a?b#c', "!'()*", '~', 'a;b&c=d,e:f@g$'];
  it('tells names apart that a file system may not hold, or a URL may mix up', async () => {
    const folder = freshFolder();
    for (const name of twins) await putText(opened.store, folder + name, name);
    for (const name of twins) expect(await textOf(await opened.store.get(folder + name))).toBe(name);
    const { objects } = await opened.store.list({ prefix: folder });
    expect(objects.map(({ key }) => key.slice(folder.length)).sort()).toEqual(twins.toSorted());
  });

  it('holds segments of 255 bytes and keys of 1,024', async () => {
    const start = freshFolder();
    const key = `${start}${`${'é'.repeat(127)}x/`.repeat(3)}`.padEnd(1_021, 'k') + '世';
    expect(Buffer.byteLength(key)).toBeGreaterThan(1_024);
    await expect(putText(opened.store, key, 'x')).rejects.toMatchObject({ code: 'invalid_path' });
    let longest = `${start}${`${'é'.repeat(127)}x/`.repeat(3)}`;
    longest = longest.concat('k'.repeat(1_024 - Buffer.byteLength(longest)));
    expect(await putText(opened.store, longest, 'x')).toBeTruthy();
    expect((await opened.store.list({ prefix: longest })).objects).toHaveLength(1);
  });

  it.each(['', '/', '/a', 'a//b', '.', 'a/../b', './a', 'a\0b', 'a\nb', 'a\\b', '\ud800', 'k'.repeat(256), `${'k/'.repeat(512)}k`])('refuses the key %j', async (key) => {
    const refused = { code: 'invalid_path' };
    await expect(opened.store.put(key, bodyOf('x'), 1)).rejects.toMatchObject(refused);
    await expect(opened.store.get(key)).rejects.toMatchObject(refused);
    await expect(opened.store.copy('a', key)).rejects.toMatchObject(refused);
    await expect(opened.store.deleteMany([key])).rejects.toMatchObject(refused);
    expect(() => opened.store.presignGet(key, { expiresSeconds: 60 })).toThrow(expect.objectContaining(refused));
  });
}
