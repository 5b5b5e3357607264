import { expect, it } from '@jest/globals';
import { freshFolder, putText } from './testing/opened-object-store.ts';
import type { OpenedObjectStore } from './testing/opened-object-store.ts';
import { textOf } from './testing/bytes.ts';
import { rawRequest } from './testing/raw-request.ts';

const minute = { expiresSeconds: 60 };
const names = ['plain', 'a b+c%20d%2Fe', "q?r#s&t=u;v,!'()*~$@:", 'é/世界/\u{1f600}'];

export function presignContract(opened: OpenedObjectStore): void {
  it.each(names)('put and get %j', async (name) => {
    const key = freshFolder() + name;
    const { url, method, headers } = opened.store.presignPut(key, { ...minute, size: 3, contentType: 'text/x' });
    const put = await rawRequest(url, { method, headers, body: 'abc' });
    expect([put.status, put.headers.etag]).toEqual([200, '"900150983cd24fb0d6963f7d28e17f72"']);
    expect(await opened.store.head(key)).toMatchObject({ size: 3, content_type: 'text/x' });
    const got = await rawRequest(opened.store.presignGet(key, minute));
    expect([got.status, got.headers['content-type'], got.headers.etag, got.body.toString()]).toEqual([200, 'text/x', put.headers.etag, 'abc']);
  });

  it('give ranges: 206, and 416 with the size', async () => {
    const key = `${freshFolder()}a`;
    await putText(opened.store, key, '0123456789');
    const url = opened.store.presignGet(key, minute);
    for (const [range, text, contentRange] of [['bytes=2-4', '234', 'bytes 2-4/10'], ['bytes=8-', '89', 'bytes 8-9/10'], ['bytes=-3', '789', 'bytes 7-9/10']] as const) {
      const reply = await rawRequest(url, { headers: { Range: range } });
      expect([reply.status, reply.body.toString(), reply.headers['content-range']]).toEqual([206, text, contentRange]);
    }
    expect((await rawRequest(url, { headers: { Range: 'bytes=10-' } })).status).toBe(416);
  });

  it('answer conditions', async () => {
    const key = `${freshFolder()}a`;
    const etag = `"${await putText(opened.store, key, 'abc')}"`;
    const url = opened.store.presignGet(key, minute);
    const statusWith = async (headers: Record<string, string>): Promise<number> => (await rawRequest(url, { headers })).status;
    expect(await statusWith({ 'If-None-Match': etag })).toBe(304);
    expect(await statusWith({ 'If-None-Match': '"other"' })).toBe(200);
    expect(await statusWith({ 'If-Match': etag })).toBe(200);
    expect(await statusWith({ 'If-Match': '"other"' })).toBe(412);
    expect(await statusWith({ 'If-Modified-Since': new Date(Date.now() + 5_000).toUTCString() })).toBe(304);
    expect(await statusWith({ 'If-Modified-Since': new Date(0).toUTCString() })).toBe(200);
    expect(await statusWith({ 'If-Unmodified-Since': new Date(0).toUTCString() })).toBe(412);
  });

  it('carry a Content-Disposition', async () => {
    const key = `${freshFolder()}a`;
    await putText(opened.store, key, 'abc');
    const contentDisposition = "attachment; filename=\"a b.txt\"; filename*=UTF-8''%C3%A9.txt";
    const reply = await rawRequest(opened.store.presignGet(key, { ...minute, contentDisposition }));
    expect(reply.headers['content-disposition']).toBe(contentDisposition);
  });

  it('give 404 for what is not there', async () => {
    expect((await rawRequest(opened.store.presignGet(`${freshFolder()}a`, minute))).status).toBe(404);
  });

  it('serve the method that was signed only', async () => {
    const key = `${freshFolder()}a`;
    await putText(opened.store, key, 'old');
    const url = opened.store.presignGet(key, minute);
    expect((await rawRequest(url, { method: 'HEAD' })).status).toBe(403);
    expect((await rawRequest(url, { method: 'DELETE' })).status).toBe(403);
    expect((await rawRequest(url, { method: 'PUT', headers: { 'Content-Length': '3' }, body: 'new' })).status).toBe(403);
    expect((await rawRequest(opened.store.presignPut(key, { ...minute, size: 3 }).url)).status).toBe(403);
    expect(await textOf(await opened.store.get(key))).toBe('old');
  });

  it('serve the key that was signed only, unchanged and unexpired', async () => {
    const folder = freshFolder();
    for (const name of ['a', 'b']) await putText(opened.store, folder + name, name);
    const url = opened.store.presignGet(`${folder}a`, minute);
    for (const wrong of [url.replace(`${folder}a`, `${folder}b`), url.replace('expires=', 'expires=9').replace('Expires=60', 'Expires=99'), url.slice(0, -1), url.split('?')[0]!]) {
      expect(wrong).not.toBe(url);
      expect((await rawRequest(wrong)).status).toBe(403);
    }
    const expired = opened.store.presignGet(`${folder}a`, { expiresSeconds: 1, now: Date.now() - 60_000 });
    expect((await rawRequest(expired)).status).toBe(403);
  });

  it('refuse a body of any other length', async () => {
    const key = `${freshFolder()}a`;
    await putText(opened.store, key, 'old');
    const { url, method } = opened.store.presignPut(key, { ...minute, size: 3 });
    for (const body of ['', 'ab', 'abcd', 'x'.repeat(3_000_000)]) {
      expect((await rawRequest(url, { method, headers: { 'Content-Length': String(body.length) }, body })).status).toBe(403);
    }
    expect([403, 411]).toContain((await rawRequest(url, { method, headers: { 'Transfer-Encoding': 'chunked' }, body: 'abc' })).status);
    expect(await textOf(await opened.store.get(key))).toBe('old');
  });

  it('take a body of any length when none is signed in', async () => {
    const key = `${freshFolder()}a`;
    const { url, method, headers } = opened.store.presignPut(key, { ...minute, contentType: 'text/x' });
    expect(headers).toEqual({ 'Content-Type': 'text/x' });
    for (const body of ['abc', '']) {
      expect((await rawRequest(url, { method, headers: { ...headers, 'Content-Length': String(body.length) }, body })).status).toBe(200);
      expect(await textOf(await opened.store.get(key))).toBe(body);
    }
  });

  it('refuse another content type than the signed one', async () => {
    const { url, method, headers } = opened.store.presignPut(`${freshFolder()}a`, { ...minute, size: 3, contentType: 'text/x' });
    expect((await rawRequest(url, { method, headers: { ...headers, 'Content-Type': 'text/html' }, body: 'abc' })).status).toBe(403);
    expect((await rawRequest(url, { method, headers: { 'Content-Length': '3' }, body: 'abc' })).status).toBe(403);
  });

  it('create only, when that is signed in', async () => {
    const key = `${freshFolder()}a`;
    const { url, method, headers } = opened.store.presignPut(key, { ...minute, size: 3, createOnly: true });
    expect((await rawRequest(url, { method, headers: { 'Content-Length': '3' }, body: 'one' })).status).toBe(403);
    expect((await rawRequest(url, { method, headers, body: 'one' })).status).toBe(200);
    expect((await rawRequest(url, { method, headers, body: 'two' })).status).toBe(412);
    expect(await textOf(await opened.store.get(key))).toBe('one');
  });

  it.each([0, 1.5, 604_801])('are not made for %d seconds', (expiresSeconds) => {
    expect(() => opened.store.presignGet('a', { expiresSeconds })).toThrow(expect.objectContaining({ code: 'invalid_request' }));
  });
}
