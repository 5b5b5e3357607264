import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createHash } from 'node:crypto';
import { testGateway, type TestGateway } from '../testing.ts';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await testGateway();
});
afterAll(() => gateway.close());

const get = (path: string, headers: Record<string, string> = {}) => gateway.call(`GET ${path}`, { token: null, headers });

describe('what kgpu says about itself', () => {
  it('is a page for browsers, which loads nothing and runs nothing', async () => {
    const { headers, body } = await get('/', { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' });
    expect(headers.get('content-type')).toBe('text/html; charset=utf-8');
    const style = createHash('sha256').update(/<style>([^]*)<\/style>/.exec(body)![1]!).digest('base64');
    expect(headers.get('content-security-policy')).toContain(`default-src 'none'; style-src 'sha256-${style}'`);
    expect(body).not.toMatch(/<script|src=|url\(|<link/);
    expect(body).toContain(`export KGPU_API_BASE=${gateway.url}`);
  });

  it('is the guide for who asks for Markdown, and at /AGENTS.md for everybody', async () => {
    const guide = (await get('/AGENTS.md')).body;
    expect(guide).toMatch(/^# kgpu/);
    const { headers, body } = await get('/', { accept: 'text/markdown' });
    expect([headers.get('content-type'), body]).toEqual(['text/markdown; charset=utf-8', guide]);
  });

  it('is the contract, with the address of this server', async () => {
    expect((await get('/openapi.json')).body).toMatchObject({ openapi: '3.1.0', servers: [{ url: gateway.url }] });
  });
});

describe('signs of life', () => {
  it('tell whether it lives, and how each part is', async () => {
    expect(await get('/livez')).toMatchObject({ status: 200, body: { ok: true } });
    expect(await get('/readyz')).toMatchObject({ status: 200, body: { ok: true, parts: { bus: { ok: true }, event_store: { ok: true }, identity: { ok: true } } } });
  });

  it('say which part is ill', async () => {
    gateway.context.health.add('compute', async () => {
      throw new Error('no engine answers');
    });
    const { status, headers, body } = await get('/readyz');
    expect({ status, retry: headers.get('retry-after'), part: body.parts.compute }).toEqual({ status: 503, retry: '2', part: { ok: false, message: 'no engine answers' } });
  });

  it('count requests by route, not by what was typed', async () => {
    await get('/v1/gpus/secret-thing');
    const { headers, body } = await get('/metrics');
    expect(headers.get('content-type')).toContain('text/plain');
    expect(body).toMatch(/kgpu_http_request_seconds_count\{method="GET",route="\/v1\/gpus\/:gpu_id",status="401"\} 1/);
    expect(body).not.toContain('secret-thing');
  });
});
