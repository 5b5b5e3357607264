import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { testGateway, type TestGateway } from '../testing.ts';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await testGateway({ config: { KGPU_RATE_LIMIT_PER_MINUTE: '20' } });
});
afterAll(() => gateway.close());

describe('the rate limit', () => {
  it('counts wrong tokens and no tokens for the address, users for themselves, and leaves probes alone', async () => {
    const anonymous = await Promise.all(Array.from({ length: 15 }, () => gateway.call('GET /v1/me', { token: null })));
    expect(new Set(anonymous.map(({ status }) => status))).toEqual(new Set([401]));
    const guesses = await Promise.all(Array.from({ length: 15 }, (_, n) => gateway.call('GET /v1/me', { token: `guess${n}` })));
    const refused = guesses.filter(({ status }) => status === 429);
    expect(refused.length).toBeGreaterThanOrEqual(9);
    expect(refused[0]!.body.code).toBe('rate_limited');
    expect(Number(refused[0]!.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(refused[0]!.headers.get('ratelimit')).toMatch(/^"default";r=0;t=\d+$/);
    expect(refused[0]!.headers.get('ratelimit-policy')).toBe('"default";q=20;w=60');

    expect((await gateway.call('GET /v1/me')).status).toBe(200);
    expect((await gateway.call('GET /livez', { token: null })).status).toBe(200);
  });
});
