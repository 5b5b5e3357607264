import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { RawHttp } from '@kgpu/gateway/testing';
import { until } from '@kgpu/runtime/testing';
import { testedStores } from './stores.ts';
import { startSystem, type System } from './system.ts';

const QUOTA = 30_000_000;

const stores = await testedStores();
afterAll(async () => {
  for (const { seaweed } of stores) await seaweed?.stop();
});

for (const { name, settings, seaweed } of stores) {
  (settings === null ? describe.skip : describe)(`files over HTTP, on ${name}`, () => {
    let system: System;
    beforeAll(async () => {
      system = await startSystem({ ...settings!, KGPU_USER_QUOTA_BYTES: String(QUOTA), KGPU_LOG_LEVEL: 'info' });
    }, 60_000);
    afterAll(async () => {
      await system.remove();
    }, 60_000);

    const call = (method: string, path: string, headers: Record<string, string> = {}, body?: string | Uint8Array<ArrayBuffer>) =>
      fetch(`${system.url}/v1/files/${path}`, { method, redirect: 'manual', headers: { authorization: `Bearer ${system.adminToken}`, ...headers }, ...(body !== undefined && { body }) });
    const curl = { 'user-agent': 'curl/8.0' };
    const rclone = { 'user-agent': 'rclone/v1.60.1' };
    const put = async (path: string, text: string, headers: Record<string, string> = {}) => {
      const response = await call('PUT', path, headers, text);
      await response.arrayBuffer();
      return response;
    };
    const textOf = async (path: string) => (await fetch((await call('GET', path)).headers.get('location')!)).text();
    const problemOf = async (response: Response) => ((await response.json()) as { code: string }).code;
    const quota = async () => (await system.admin.get('/v1/files?limit=1')).body['quota'] as { used_bytes: number; reserved_bytes: number };

    it('creates with 201 and replaces with 204', async () => {
      const created = await put('status/a', 'one');
      const replaced = await put('status/a', 'three');
      expect([created.status, replaced.status]).toEqual([201, 204]);
      expect(replaced.headers.get('etag')).toMatch(/^"[0-9a-f]{32}"$/);
      const posted = await Promise.all([call('POST', 'status/b', {}, 'x'), call('POST', 'status/a', {}, 'four')]);
      expect(posted.map(({ status }) => status)).toEqual([201, 200]);
      expect(await posted[1].json()).toMatchObject({ path: 'status/a', size: 4 });
      expect(await textOf('status/a')).toBe('four');
    });

    it('redirects those who follow, for what they said they send and nothing else', async () => {
      const redirect = await call('PUT', 'redirect', curl, 'redirected');
      expect([redirect.status, redirect.headers.get('connection')]).toEqual([307, 'close']);
      const url = redirect.headers.get('location')!;
      expect((await quota()).reserved_bytes).toBe(10);
      expect((await fetch(url, { method: 'PUT', body: 'something longer' })).status).toBe(403);
      expect((await fetch(url, { method: 'PUT', body: 'redirected' })).status).toBe(200);
      expect(await textOf('redirect')).toBe('redirected');
      expect((await quota()).reserved_bytes).toBe(0);
    });

    // Signed URLs of an S3 lead to the S3.
    if (seaweed === null) it('leads a client in a container to the address that it came by, and nobody to one that is made up', async () => {
      await put('host', 'x');
      const http = new RawHttp(system.url);
      const { port } = new URL(system.url);
      const locationFor = async (host: string) => (await http.send({ method: 'GET', path: '/v1/files/host', headers: { host, authorization: `Bearer ${system.adminToken}` }, body: null })).headers['location'];
      expect(await locationFor(`host.docker.internal:${port}`)).toMatch(new RegExp(`^http://host\\.docker\\.internal:${port}/objects/`));
      const fallback = String(await locationFor('evil.example'));
      expect(fallback.startsWith(`${system.url}/objects/`)).toBe(true);
      expect(await (await fetch(fallback)).text()).toBe('x');
      http.close();
    });

    it('tells size, type, etag and time to HEAD, as it is now', async () => {
      await put('head', 'x', { 'content-type': 'text/csv' });
      const first = await call('HEAD', 'head');
      expect(Object.fromEntries(first.headers)).toMatchObject({ 'content-length': '1', 'content-type': 'text/csv', 'accept-ranges': 'bytes', etag: expect.stringMatching(/^"/), 'last-modified': expect.stringMatching(/GMT$/) });
      const url = (await call('PUT', 'head', curl, 'longer')).headers.get('location')!;
      await call('HEAD', 'head');
      await fetch(url, { method: 'PUT', body: 'longer' });
      expect((await call('HEAD', 'head')).headers.get('content-length')).toBe('6');
      expect((await call('HEAD', 'nothing')).status).toBe(404);
    });

    it('answers conditions of GET and HEAD', async () => {
      const etag = (await put('conditions', 'abc')).headers.get('etag')!;
      const later = new Date(Date.now() + 60_000).toUTCString();
      const davfs = { 'user-agent': 'davfs2/1.6.1 neon/0.32.4' };
      const cases: [Record<string, string>, number][] = [[{ 'if-none-match': etag }, 304], [{ 'if-none-match': '"other", W/"more"' }, 200], [{ 'if-match': '"other"' }, 412], [{ 'if-match': etag }, 200], [{ 'if-modified-since': later }, 304], [{ 'if-unmodified-since': new Date(0).toUTCString() }, 412]];
      for (const [headers, status] of cases) {
        expect([headers, (await call('HEAD', 'conditions', headers)).status]).toEqual([headers, status]);
        expect([headers, (await call('GET', 'conditions', headers)).status]).toEqual([headers, status === 200 ? 302 : status]);
        expect([headers, (await call('GET', 'conditions', { ...headers, ...davfs })).status]).toEqual([headers, status]);
      }
    });

    it('streams to clients that do not follow, whole and in ranges', async () => {
      const etag = (await put('ranges', '0123456789', { 'content-type': 'text/plain' })).headers.get('etag')!;
      const davfs = { 'user-agent': 'davfs2/1.6.1 neon/0.32.4' };
      const whole = await call('GET', 'ranges', davfs);
      expect([whole.status, await whole.text(), whole.headers.get('content-security-policy')]).toEqual([200, '0123456789', 'sandbox']);
      const range = await call('GET', 'ranges', { ...davfs, range: 'bytes=2-4' });
      expect([range.status, await range.text(), range.headers.get('content-range'), range.headers.get('content-length')]).toEqual([206, '234', 'bytes 2-4/10', '3']);
      expect(await (await call('GET', 'ranges', { ...davfs, range: 'bytes=2-4', 'if-range': '"other"' })).text()).toBe('0123456789');
      expect(await (await call('GET', 'ranges', { ...davfs, range: 'bytes=-2', 'if-range': etag })).text()).toBe('89');
      const outside = await call('GET', 'ranges', { ...davfs, range: 'bytes=10-' });
      expect([outside.status, await problemOf(outside)]).toEqual([416, 'range_not_satisfiable']);
    });

    it('writes on conditions only where they hold', async () => {
      const etag = (await put('if/a', 'one')).headers.get('etag')!;
      for (const agent of [curl, {}] as Record<string, string>[]) {
        expect((await put('if/a', 'no', { ...agent, 'if-none-match': '*' })).status).toBe(412);
        expect((await put('if/a', 'no', { ...agent, 'if-match': '"other"' })).status).toBe(412);
        expect((await put('if/none', 'no', { ...agent, 'if-match': '*' })).status).toBe(412);
      }
      expect((await put('if/a', 'two', { 'if-match': etag })).status).toBe(204);
      expect((await put('if/a', 'no', { 'if-match': etag })).status).toBe(412);
      expect((await put('if/new', 'x', { 'if-none-match': '*' })).status).toBe(201);
      expect(await textOf('if/a')).toBe('two');
      const once = (await call('PUT', 'if/raced', { ...curl, 'if-none-match': '*' }, 'x')).headers.get('location')!;
      expect((await fetch(once, { method: 'PUT', headers: { 'if-none-match': '*' }, body: 'x' })).status).toBe(200);
      expect((await fetch(once, { method: 'PUT', headers: { 'if-none-match': '*' }, body: 'x' })).status).toBe(412);
    });

    it('keeps the old file when the quota does not allow the new one, however it comes', async () => {
      await put('quota', 'precious');
      const large = Buffer.alloc(QUOTA + 1);
      for (const headers of [curl, { 'user-agent': 'httpx' }, rclone]) {
        const refused = await call('PUT', 'quota', headers, large);
        expect([refused.status, await problemOf(refused)]).toEqual([413, 'quota_exceeded']);
      }
      expect((await call('POST', 'quota', {}, large)).status).toBe(413);
      const chunked = await fetch(`${system.url}/v1/files/quota`, {
        method: 'PUT', duplex: 'half', headers: { authorization: `Bearer ${system.adminToken}` },
        body: new ReadableStream({ pull: (controller) => controller.enqueue(Buffer.alloc(1_000_000)) }),
      }).catch(() => null);
      expect(chunked?.status ?? 413).toBe(413);
      expect((await call('POST', 'quota', { 'x-content-length': String(QUOTA + 1) })).status).toBe(413);
      expect(await textOf('quota')).toBe('precious');
      await until(async () => (await quota()).reserved_bytes === 0);
    }, 60_000);

    it('does not believe the deletion that rclone sends after a PUT that failed, and believes the next', async () => {
      await put('guarded', 'precious');
      expect((await call('PUT', 'guarded', rclone, Buffer.alloc(QUOTA + 1))).status).toBe(413);
      expect((await call('DELETE', 'guarded', rclone)).status).toBe(204);
      expect(await textOf('guarded')).toBe('precious');
      const deleted = await call('DELETE', 'guarded', rclone);
      expect(await deleted.json()).toEqual({ deleted: 1 });
    });

    it('keeps the old file and gives the room back when a body breaks off', async () => {
      await put('cut', 'precious');
      const { used_bytes } = await quota();
      const { port } = new URL(system.url);
      for (const head of ['Content-Length: 1000000', 'Transfer-Encoding: chunked']) {
        const socket = connect(Number(port), '127.0.0.1');
        socket.on('error', () => {});
        socket.write(`PUT /v1/files/cut HTTP/1.1\r\nHost: x\r\nUser-Agent: rclone/v1.60.1\r\nAuthorization: Bearer ${system.adminToken}\r\n${head}\r\n\r\n${head.startsWith('T') ? '4\r\nhalf\r\n' : 'half'}`);
        if (head.startsWith('C')) await until(async () => (await quota()).reserved_bytes > 0);
        socket.destroy();
        await until(async () => (await quota()).reserved_bytes === 0);
      }
      expect(await textOf('cut')).toBe('precious');
      expect((await quota()).used_bytes).toBe(used_bytes);
    });

    it('deletes one file, or what lies below a folder and nothing beside it', async () => {
      for (const path of ['del/exp4', 'del/exp42', 'del/exp/a', 'del/exp/b/c', 'del/exp-2']) await put(path, 'x');
      const remove = async (path: string) => (await (await call('DELETE', path)).json()) as { deleted?: number; code?: string };
      expect(await remove('del/exp4')).toEqual({ deleted: 1 });
      expect(await remove('del/exp')).toEqual({ deleted: 2 });
      expect(await remove('del/exp')).toMatchObject({ code: 'file_not_found' });
      expect((await system.admin.get('/v1/files?prefix=del/')).body['files'].map(({ path }: { path: string }) => path)).toEqual(['del/exp-2', 'del/exp42']);
      expect(await remove('del/')).toEqual({ deleted: 2 });
      expect(await remove('')).toMatchObject({ code: 'invalid_request' });
    });

    it('lists a folder as JSON page by page, and refuses what is no cursor', async () => {
      for (const path of ['list/sub/x', 'list/a', 'list/b', 'list/c']) await put(path, 'x');
      type Listing = { folders: string[]; files: { path: string }[]; next_cursor: string | null };
      const names: string[] = [];
      for (let cursor: string | null = ''; cursor !== null;) {
        const page: Listing = (await system.admin.get<Listing>(`/v1/files/list/?json=1&limit=2${cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`}`)).body;
        names.push(...page.folders, ...page.files.map(({ path }) => path));
        cursor = page.next_cursor;
      }
      expect(names.sort()).toEqual(['list/a', 'list/b', 'list/c', 'sub']);
      expect(await system.admin.get('/v1/files/list/?json=1&cursor=nonsense')).toMatchObject({ status: 422, body: { code: 'invalid_request' } });
      expect((await call('GET', 'list')).status).toBe(301);
      expect((await call('GET', 'list/none/')).status).toBe(404);
    });

    it('takes no part of a file for the whole', async () => {
      await put('partial', 'precious');
      for (const agent of [curl, rclone]) {
        const refused = await call('PUT', 'partial', { ...agent, 'content-range': 'bytes 4-7/8' }, 'ious');
        expect([refused.status, await problemOf(refused)]).toEqual([422, 'invalid_request']);
      }
      expect(await textOf('partial')).toBe('precious');
    });

    it('keeps unicode twins one file, and takes keys up to 1,024 bytes', async () => {
      await put(encodeURIComponent('e\u0301'), 'one');
      expect(await textOf(encodeURIComponent('\u00e9'))).toBe('one');
      const segments = (bytes: number) => Array.from({ length: 5 }, () => 'a'.repeat(200)).join('/').padEnd(bytes, 'b');
      const room = 1_024 - 'users/1/'.length;
      expect((await put(segments(room), 'x')).status).toBe(201);
      const long = await call('PUT', segments(room + 1), {}, 'x');
      expect([long.status, await problemOf(long)]).toEqual([400, 'invalid_path']);
    });

    it('never logs what a signed URL or a header holds', async () => {
      const { url } = (await (await call('GET', 'status/a?json=1')).json()) as { url: string };
      await fetch(url);
      await until(() => system.printed().stderr.includes('"path":"/v1/files/status/a"'));
      const { stderr } = system.printed();
      expect(stderr).not.toMatch(/(signature|sig|X-Amz-Signature|X-Amz-Credential)=[\w%]/i);
      expect(stderr).not.toContain(system.adminToken);
      expect(stderr).not.toContain('"level":50');
    });

    it('takes the token as a password, and tells strangers nothing', async () => {
      const basic = { authorization: `Basic ${Buffer.from(`anyone:${system.adminToken}`).toString('base64')}` };
      await put('basic', 'x', basic);
      expect((await call('HEAD', 'basic', basic)).status).toBe(200);
      expect((await call('HEAD', 'basic', { authorization: 'Bearer kgpu_wrong' })).status).toBe(401);
      const refused = await call('PUT', 'basic', { authorization: 'Bearer kgpu_wrong' }, Buffer.alloc(8_000_000));
      expect([refused.status, refused.headers.get('www-authenticate')]).toEqual([401, expect.stringContaining('Basic')]);
    });
  });
}
