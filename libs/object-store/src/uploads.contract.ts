import { expect, it } from '@jest/globals';
import { createHash, randomBytes } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import { freshFolder, putText } from './testing/opened-object-store.ts';
import type { OpenedObjectStore } from './testing/opened-object-store.ts';
import { bodyOf, cutBody, textOf } from './testing/bytes.ts';
import { rawRequest } from './testing/raw-request.ts';

const partBytes = 5 * 1024 ** 2;
const missing = { code: 'upload_not_found' };

export function uploadsContract(opened: OpenedObjectStore): void {
  it('makes parts an object at once, in the order of their numbers', async () => {
    const { uploads } = opened.store;
    const key = `${freshFolder()}a`;
    await putText(opened.store, key, 'old');
    const upload = await uploads.begin(key, { contentType: 'text/x' });
    const bytes = randomBytes(partBytes);
    const tail = await uploads.putPart(upload, 7, bodyOf('tail'), 4);
    await uploads.putPart(upload, 2, bodyOf('wrong'), 5);
    const first = await uploads.putPart(upload, 2, bodyOf(bytes), partBytes);
    expect(await textOf(await opened.store.get(key))).toBe('old');
    const listed = await uploads.listParts(upload);
    expect(listed.map(({ part_number }) => part_number)).toEqual([2, 7]);
    if (opened.isSeaweed !== true) expect(listed).toEqual([{ ...first, size: partBytes }, { ...tail, size: 4 }]);
    const { etag } = await uploads.complete(upload, [first, tail]);
    const md5 = createHash('md5').update(Buffer.from(first.etag, 'hex')).update(Buffer.from(tail.etag, 'hex')).digest('hex');
    expect(await opened.store.head(key)).toMatchObject({ size: partBytes + 4, etag: `${md5}-2`, content_type: 'text/x' });
    expect(etag).toBe(`${md5}-2`);
    const across = await opened.store.get(key, { range: { first: partBytes - 2, last: partBytes + 1 } });
    const read = await buffer(across!.body);
    expect(read.equals(Buffer.concat([bytes.subarray(-2), Buffer.from('ta')]))).toBe(true);
    await expect(uploads.listParts(upload)).rejects.toMatchObject(missing);
  });

  it('copies and replaces an object of many parts like any other', async () => {
    const { store } = opened;
    const folder = freshFolder();
    const upload = await store.uploads.begin(`${folder}a`);
    const parts = [await store.uploads.putPart(upload, 1, bodyOf(Buffer.alloc(partBytes)), partBytes), await store.uploads.putPart(upload, 2, bodyOf('end'), 3)];
    await store.uploads.complete(upload, parts);
    await store.copy(`${folder}a`, `${folder}b`);
    await putText(store, `${folder}a`, 'new');
    expect(await store.head(`${folder}b`)).toMatchObject({ size: partBytes + 3 });
    expect(await textOf(await store.get(`${folder}b`, { range: { suffix: 3 } }))).toBe('end');
  });

  it('refuses parts that are not there, out of order or too small, and goes on', async () => {
    const { uploads } = opened.store;
    const upload = await uploads.begin(`${freshFolder()}a`);
    const one = await uploads.putPart(upload, 1, bodyOf('one'), 3);
    const two = await uploads.putPart(upload, 2, bodyOf('two'), 3);
    for (const parts of [[], [two, one], [one, two], [{ ...one, etag: two.etag }], [{ ...one, part_number: 3 }]]) {
      await expect(uploads.complete(upload, parts)).rejects.toMatchObject({ code: 'invalid_request' });
    }
    await uploads.complete(upload, [two]);
    expect(await textOf(await opened.store.get(upload.key))).toBe('two');
  });

  it('keeps a part when its repetition is cut', async () => {
    const { uploads } = opened.store;
    const upload = await uploads.begin(`${freshFolder()}a`);
    const part = await uploads.putPart(upload, 1, bodyOf('one'), 3);
    await expect(uploads.putPart(upload, 1, cutBody('tw'), 3)).rejects.toThrow('gone');
    expect(await uploads.listParts(upload)).toEqual([{ ...part, size: 3 }]);
    await uploads.abort(upload);
  });

  it('forgets an upload that is aborted, also twice', async () => {
    const { uploads } = opened.store;
    const upload = await uploads.begin(`${freshFolder()}a`);
    const part = await uploads.putPart(upload, 1, bodyOf('one'), 3);
    await uploads.abort(upload);
    await uploads.abort(upload);
    await expect(uploads.putPart(upload, 2, bodyOf('two'), 3)).rejects.toMatchObject(missing);
    await expect(uploads.complete(upload, [part])).rejects.toMatchObject(missing);
    await expect(uploads.listParts(upload)).rejects.toMatchObject(missing);
    expect(await opened.store.head(upload.key)).toBeNull();
  });

  it('lists what was begun before a time, below a prefix', async () => {
    const { uploads } = opened.store;
    const folder = freshFolder();
    const upload = await uploads.begin(`${folder}a`);
    const soon = new Date(Date.now() + 5_000);
    expect(await uploads.list({ before: soon, prefix: folder })).toEqual([{ ...upload, begun_at: expect.stringMatching(/Z$/) }]);
    expect(await uploads.list({ before: new Date(Date.now() - 60_000), prefix: folder })).toEqual([]);
    expect(await uploads.list({ before: soon, prefix: `${folder}b` })).toEqual([]);
    await uploads.abort(upload);
    expect(await uploads.list({ before: soon, prefix: folder })).toEqual([]);
  });

  it('takes a part by its URL, of the signed length only', async () => {
    const { uploads } = opened.store;
    const upload = await uploads.begin(`${freshFolder()}é +`);
    const { url, method, headers } = uploads.presignPart(upload, 1, { size: 3, expiresSeconds: 60 });
    expect((await rawRequest(url, { method, headers: { 'Content-Length': '4' }, body: 'four' })).status).toBe(403);
    const reply = await rawRequest(url, { method, headers, body: 'one' });
    expect(reply.status).toBe(200);
    const parts = await uploads.listParts(upload);
    expect(parts).toEqual([{ part_number: 1, size: 3, etag: String(reply.headers.etag).replaceAll('"', '') }]);
    await uploads.complete(upload, parts);
    expect(await textOf(await opened.store.get(upload.key))).toBe('one');
    expect((await rawRequest(url, { method, headers, body: 'one' })).status).toBe(404);
  });
}
