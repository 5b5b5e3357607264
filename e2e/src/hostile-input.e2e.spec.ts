import { RawHttp, walkHostile } from '@kgpu/gateway/testing';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startSystem, type System } from './system.ts';

describe('hostile input, with every part running', () => {
  let system: System;
  beforeAll(async () => {
    system = await startSystem({ KGPU_RATE_LIMIT_PER_MINUTE: '10000000' });
  });
  afterAll(() => system.remove());

  it('of every kind, on every route, gets a problem that the contract names, no 5xx, and changes nothing for others', async () => {
    const http = new RawHttp(system.url);
    const { sent, defects } = await walkHostile(http, system.adminToken);
    http.close();
    expect(defects).toEqual([]);
    expect(sent).toBeGreaterThan(1_000);
    expect(await system.admin.get('/readyz')).toMatchObject({ status: 200, body: { ok: true } });
    expect(system.printed().stderr).not.toContain('"level":50');
  }, 120_000);
});
