import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { connect } from 'node:net';
import { until } from '@kgpu/runtime/testing';
import { startOn, startSystem, type System } from './system.ts';

describe('files, when kgpu is killed', () => {
  let system: System;
  beforeAll(async () => {
    system = await startSystem();
  });
  afterAll(() => system.remove());

  const call = (method: string, path: string, body?: string) =>
    fetch(system.url + path, { method, headers: { authorization: `Bearer ${system.adminToken}` }, ...(body !== undefined && { body }) });
  const quota = async () => ((await (await call('GET', '/v1/files')).json()) as { quota: { used_bytes: number; reserved_bytes: number } }).quota;

  it.each(['Content-Length: 1000000', 'Transfer-Encoding: chunked'])('keeps the old file when that happens in the middle of an upload (%s), and takes the new one afterwards', async (length) => {
    await call('PUT', '/v1/files/a', 'precious');
    const { used_bytes } = await quota();
    const socket = connect(Number(new URL(system.url).port), '127.0.0.1');
    socket.on('error', () => {});
    const half = 'x'.repeat(length.startsWith('T') ? 5_000_000 : 500_000);
    socket.write(`PUT /v1/files/a HTTP/1.1\r\nHost: x\r\nUser-Agent: rclone/v1\r\nAuthorization: Bearer ${system.adminToken}\r\n${length}\r\n\r\n`);
    socket.write(length.startsWith('T') ? `${half.length.toString(16)}\r\n${half}\r\n` : half);
    const before = (await quota()).reserved_bytes;
    if (length.startsWith('C')) await until(async () => (await quota()).reserved_bytes > before);
    await system.stop('SIGKILL');
    socket.destroy();
    system = await startOn(system.folder);
    expect(await (await call('GET', '/v1/files/a')).text()).toBe('precious');
    expect((await quota()).used_bytes).toBe(used_bytes);
    expect((await call('PUT', '/v1/files/a', 'new')).status).toBe(204);
    expect(await (await call('GET', '/v1/files/a')).text()).toBe('new');
  }, 60_000);

  it('has every upload that was acknowledged', async () => {
    const acknowledged: string[] = [];
    const uploading = Array.from({ length: 8 }, async (_, lane) => {
      for (let n = 0; ; n++) {
        const response = await call('PUT', `/v1/files/many/${lane}-${n}`, `${lane}-${n}`).catch(() => null);
        if (response?.status !== 201) return;
        acknowledged.push(`${lane}-${n}`);
      }
    });
    await until(() => acknowledged.length > 40);
    await system.stop('SIGKILL');
    await Promise.all(uploading);
    system = await startOn(system.folder);
    for (const name of acknowledged) expect(await (await call('GET', `/v1/files/many/${name}`)).text()).toBe(name);
    const { files } = (await (await call('GET', '/v1/files?prefix=many/&limit=500')).json()) as { files: { size: number }[] };
    expect(files.length).toBeLessThanOrEqual(acknowledged.length + 8);
    // An upload may be there whose answer never came; it counts once its reservation has been looked at.
    const bytes = acknowledged.reduce((sum, name) => sum + name.length, 'new'.length);
    expect((await quota()).used_bytes).toBeGreaterThanOrEqual(bytes);
  }, 60_000);
});
