import { describe, expect, it } from '@jest/globals';
import type { KgpuEvent } from '@kgpu/contracts';
import { Credentials } from './credentials.projection.ts';

const at = '2026-05-17T01:00:00Z';
const gpu_id = 'gpu-7-260517010000-0123abcd';
const requested: KgpuEvent = {
  type: 'RentalRequested',
  data: {
    gpu_id, user_id: 7, name: 'train', image: 'debian:12', env: {}, node: 'here', gpu_model: 'cpu', price_per_hour_credits: 500,
    duration_seconds: 3_600, token_hash: 'hash', at,
  },
};
const started: KgpuEvent = { type: 'RentalStarted', data: { gpu_id, user_id: 7, price_per_hour_credits: 500, expires_at: at, warning: null, at } };
const ended: KgpuEvent = { type: 'RentalEnded', data: { gpu_id, user_id: 7, reason: 'returned', message: null, at } };
const freed: KgpuEvent = { type: 'RentalHardwareFreed', data: { gpu_id, at } };

describe("a rental's token", () => {
  let now = 0;
  const after = (...events: KgpuEvent[]) => {
    now = 0;
    const credentials = new Credentials(1_000, () => now);
    events.forEach((event) => credentials.apply(event));
    return credentials;
  };

  it('is good from the request on', () => {
    expect(after(requested).find('hash')).toEqual({ kind: 'rental', userId: 7, gpuId: gpu_id, ending: false });
    expect(after(requested, started).find('hash')).toMatchObject({ ending: false });
    expect(after(requested, started).rentalsOf(7)).toEqual([gpu_id]);
  });

  it('is an ending one from the end of the rental until its hardware is free', () => {
    const credentials = after(requested, started, ended);
    expect(credentials.find('hash')).toEqual({ kind: 'rental', userId: 7, gpuId: gpu_id, ending: true });
    expect(credentials.rentalsOf(7)).toEqual([]);
    credentials.apply(freed);
    expect(credentials.find('hash')).toBeUndefined();
  });

  it('ends with the grace, though the hardware is not free', () => {
    const credentials = after(requested, started, ended);
    now = 1_000;
    expect(credentials.find('hash')).toBeDefined();
    now = 1_001;
    expect(credentials.find('hash')).toBeUndefined();
  });

  it('ends at once with a rental that never started', () => {
    expect(after(requested, ended).find('hash')).toBeUndefined();
  });
});
