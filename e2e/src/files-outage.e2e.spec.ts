import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { until } from '@kgpu/runtime/testing';
import { seaweedStore } from './stores.ts';
import { startSystem, type System } from './system.ts';

const { name, settings, seaweed } = await seaweedStore();

(seaweed === null ? describe.skip : describe)(`an object store that does not answer (${name})`, () => {
  let system: System;
  beforeAll(async () => {
    system = await startSystem(settings!);
  }, 60_000);
  afterAll(async () => {
    await system.remove();
    await seaweed?.stop();
  }, 60_000);

  const send = async (method: string, path: string, headers: Record<string, string> = {}, body?: string) => {
    const began = performance.now();
    const response = await fetch(system.url + path, { method, redirect: 'manual', headers: { authorization: `Bearer ${system.adminToken}`, ...headers }, ...(body !== undefined && { body }) });
    const text = await response.text();
    return { status: response.status, text, headers: response.headers, seconds: (performance.now() - began) / 1_000 };
  };
  const content = async (path: string) => (await fetch((await send('GET', path)).headers.get('location')!)).text();

  it('is 503 object_store_unavailable within five seconds, whatever is asked, and loses nothing', async () => {
    await send('PUT', '/v1/files/kept', {}, 'precious');
    seaweed!.freeze();
    try {
      const asked = [
        send('GET', '/v1/files/unseen'), send('HEAD', '/v1/files/unseen'), send('GET', '/v1/files/folder/'), send('GET', '/v1/files'),
        send('PUT', '/v1/files/kept', {}, 'new'), send('PUT', '/v1/files/kept', { 'user-agent': 'curl/8' }, 'new'), send('POST', '/v1/files/kept', {}, 'new'),
        send('PUT', '/v1/files/kept', { 'user-agent': 'rclone/v1.60.1' }, 'new'), send('POST', '/v1/files/kept?multipart=1', { 'x-content-length': '10000000' }), send('DELETE', '/v1/files/kept'),
        send('GET', '/v1/files/kept', { 'user-agent': 'davfs2/1.6 neon/0.32' }),
      ];
      for (const { status, text, seconds, headers } of await Promise.all(asked)) {
        expect([status, text === '' ? 'object_store_unavailable' : (JSON.parse(text) as { code: string }).code]).toEqual([503, 'object_store_unavailable']);
        expect(headers.get('retry-after')).toMatch(/^\d+$/);
        expect(seconds).toBeLessThan(6);
      }
      expect(await system.admin.get('/readyz')).toMatchObject({ status: 503, body: { ok: false, parts: { object_store: { ok: false } } } });
    } finally {
      seaweed!.thaw();
    }
    // What rclone sends after its PUT has failed must delete nothing.
    expect((await send('DELETE', '/v1/files/kept', { 'user-agent': 'rclone/v1.60.1' })).status).toBe(204);
    expect(await content('/v1/files/kept')).toBe('precious');
    await until(async () => (await system.admin.get('/v1/files')).body['quota']?.reserved_bytes === 0, 15_000);
    await until(async () => (await system.admin.get('/readyz')).status === 200, 15_000);
    expect((await send('PUT', '/v1/files/kept', {}, 'new')).status).toBe(204);
    expect(await content('/v1/files/kept')).toBe('new');
  }, 60_000);
});
