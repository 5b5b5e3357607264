import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { request } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { textOf } from './testing/bytes.ts';
import { putText } from './testing/opened-object-store.ts';
import { rawRequest } from './testing/raw-request.ts';
import { serveDiskStore } from './testing/serve-objects.ts';

type Served = Awaited<ReturnType<typeof serveDiskStore>>;
const minute = { expiresSeconds: 60 };
let folder: string;
let served: Served;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kgpu-object-http-'));
  served = await serveDiskStore(join(folder, 'objects'), { idleMs: 500 });
});
afterAll(async () => {
  await served.close();
  await rm(folder, { recursive: true });
});

/** Sends the head of a PUT and some of its body; what came back. */
async function unfinishedPut(url: string, headers: Record<string, string>, start: string): Promise<{ outgoing: ReturnType<typeof request>; reply: Promise<IncomingMessage | Error> }> {
  const outgoing = request(url, { method: 'PUT', headers, agent: false });
  const reply = Promise.race([once(outgoing, 'response').then(([message]) => message as IncomingMessage), once(outgoing, 'error').then(([error]) => error as Error)]).catch((error: Error) => error);
  outgoing.write(start);
  return { outgoing, reply };
}

describe('requests for objects on disk', () => {
  it('do not look at Authorization, which clients carry over from the gateway', async () => {
    await putText(served.store, 'carried', 'abc');
    expect((await rawRequest(served.store.presignGet('carried', minute), { headers: { Authorization: 'Bearer kgpu_x' } })).status).toBe(200);
  });

  it('get an answer in XML as S3 gives it', async () => {
    const reply = await rawRequest(`${served.baseUrl}/objects/a?signature=00`);
    expect([reply.status, reply.headers['content-type']]).toEqual([403, 'application/xml']);
    expect(reply.body.toString()).toContain('<Code>SignatureDoesNotMatch</Code>');
  });

  it.each(['/objects/%', '/objects/%ff', '/other'])('are refused at %s', async (path) => {
    expect((await rawRequest(served.baseUrl + path)).status).toBe(400);
  });

  it.each(['/objects/', '/objects/a/../b', '/objects/a%00b', '/objects/a?signature=%ff&signature=1', `/objects/${'k'.repeat(2_000)}`])('are never a 500 at %s', async (path) => {
    expect((await rawRequest(served.baseUrl + path)).status).toBe(403);
  });

  it('say the size in a 416', async () => {
    await putText(served.store, 'ten', '0123456789');
    const reply = await rawRequest(served.store.presignGet('ten', minute), { headers: { Range: 'bytes=10-' } });
    expect([reply.status, reply.headers['content-range']]).toEqual([416, 'bytes */10']);
  });

  it('get everything when they ask for several ranges, or for a range of another version', async () => {
    await putText(served.store, 'ten', '0123456789');
    for (const headers of [{ Range: 'bytes=0-1,3-4' }, { Range: 'bytes=0-1', 'If-Range': '"other"' }]) {
      const reply = await rawRequest(served.store.presignGet('ten', minute), { headers });
      expect([reply.status, reply.body.toString()]).toEqual([200, '0123456789']);
    }
  });

  it('can not make a browser run a stored page on our origin', async () => {
    await putText(served.store, 'page', '<script>');
    const { headers } = await rawRequest(served.store.presignGet('page', minute));
    expect(headers).toMatchObject({ 'content-security-policy': 'sandbox', 'x-content-type-options': 'nosniff' });
  });

  it('get a 411 without a length', async () => {
    const { url } = served.store.presignPut('chunked', { ...minute, size: 3 });
    expect((await rawRequest(url, { method: 'PUT', headers: { 'Transfer-Encoding': 'chunked' }, body: 'abc' })).status).toBe(411);
  });

  it('are told to go on only when they may', async () => {
    const { url, headers } = served.store.presignPut('expecting', { ...minute, size: 3 });
    const refused = await unfinishedPut(url, { 'Content-Length': '4', Expect: '100-continue' }, '');
    let continued = false;
    refused.outgoing.on('continue', () => (continued = true));
    expect(((await refused.reply) as IncomingMessage).statusCode).toBe(403);
    expect(continued).toBe(false);
    refused.outgoing.destroy();
    const taken = request(url, { method: 'PUT', headers: { ...headers, Expect: '100-continue' }, agent: false });
    taken.flushHeaders();
    await once(taken, 'continue');
    taken.end('abc');
    const [reply] = (await once(taken, 'response')) as [IncomingMessage];
    expect(reply.statusCode).toBe(200);
    reply.resume();
  });

  it('leave the old object when the client is cut off or falls silent', async () => {
    await putText(served.store, 'cut', 'old');
    const { url, headers } = served.store.presignPut('cut', { ...minute, size: 3 });
    const cut = await unfinishedPut(url, headers, 'n');
    cut.outgoing.destroy();
    expect(await cut.reply).toMatchObject({ code: 'ECONNRESET' });
    const silent = await unfinishedPut(url, headers, 'ne');
    expect(await silent.reply).toMatchObject({ code: 'ECONNRESET' });
    expect(await textOf(await served.store.get('cut'))).toBe('old');
    expect((await rawRequest(url, { method: 'PUT', headers, body: 'new' })).status).toBe(200);
  });
});
