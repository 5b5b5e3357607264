import { describe, expect, it } from '@jest/globals';
import { createHealth } from './health.ts';

describe('health', () => {
  it('is well when all parts are', async () => {
    const health = createHealth();
    health.add('bus', async () => undefined);
    expect(await health.check()).toEqual({ ok: true, parts: { bus: { ok: true } } });
  });

  it('names the part that is not, and does not wait for one that hangs', async () => {
    const health = createHealth();
    health.add('store', async () => {
      throw new Error('disk full');
    });
    health.add('engine', () => new Promise(() => undefined));
    health.add('bus', async () => undefined);
    expect(await health.check()).toEqual({
      ok: false, parts: { store: { ok: false, message: 'disk full' }, engine: { ok: false, message: 'no answer within 2 s' }, bus: { ok: true } },
    });
  });

  it('looks once for all who ask at the same time, and again for who asks later', async () => {
    const health = createHealth();
    let looks = 0;
    health.add('engine', async () => void looks++);
    await Promise.all([health.check(), health.check(), health.check()]);
    await health.check();
    expect(looks).toBe(2);
  });
});
