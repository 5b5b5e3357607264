import { describe, expect, it } from '@jest/globals';
import { RateLimit } from './rate-limit.ts';

describe('the rate limit', () => {
  it('admits the quota at once, then as fast as it is refilled', () => {
    const limit = new RateLimit(3);
    expect([0, 0, 0, 0].map((now) => limit.take('ann', now).admitted)).toEqual([true, true, true, false]);
    expect(limit.take('ann', 19_000).admitted).toBe(false);
    expect(limit.take('ann', 20_000).admitted).toBe(true);
    expect(limit.take('ann', 20_000).admitted).toBe(false);
  });

  it('says how many remain and when to come back', () => {
    const limit = new RateLimit(60);
    expect(limit.take('ann', 0)).toEqual({ admitted: true, remaining: 59, seconds: 1 });
    for (let n = 0; n < 59; n++) limit.take('ann', 0);
    expect(limit.take('ann', 0)).toEqual({ admitted: false, remaining: 0, seconds: 1 });
    expect(limit.headers(limit.take('ann', 0))).toEqual({ 'ratelimit-policy': '"default";q=60;w=60', ratelimit: '"default";r=0;t=1' });
  });

  it('counts a request as much as it weighs', () => {
    const limit = new RateLimit(1);
    expect(Array.from({ length: 21 }, () => limit.take('ann', 0, 0.05).admitted).filter(Boolean)).toHaveLength(20);
  });

  it('does not count what it refuses, and counts each caller apart', () => {
    const limit = new RateLimit(1);
    limit.take('ann', 0);
    for (let n = 0; n < 100; n++) limit.take('ann', 1);
    expect(limit.take('ann', 60_000).admitted).toBe(true);
    expect(limit.take('bob', 60_000).admitted).toBe(true);
  });

  it('is whole again after a minute of silence, however long it was', () => {
    const limit = new RateLimit(2);
    limit.take('ann', 0);
    expect(limit.take('ann', 10 * 60_000)).toMatchObject({ remaining: 1 });
  });

  it('forgets those who were silent longest, so that its memory is bounded', () => {
    const limit = new RateLimit(1, 2);
    limit.take('ann', 0);
    limit.take('bob', 0);
    limit.take('cem', 0);
    expect(limit.take('bob', 1).admitted).toBe(false);
    expect(limit.take('ann', 1).admitted).toBe(true);
  });
});
