import { describe, expect, it } from '@jest/globals';
import type { KgpuEvent } from '@kgpu/contracts';
import { Accounts } from './accounts.projection.ts';

const gpuId = 'gpu-7-260517010000-0a1b2c3d';
const at = (minutes: number) => new Date(Date.parse('2026-05-17T12:00:00Z') + minutes * 60_000).toISOString();
const opened: KgpuEvent = { type: 'AccountOpened', data: { user_id: 7, units: 60_000, at: at(0) } };
const started: KgpuEvent = { type: 'RentalStarted', data: { gpu_id: gpuId, user_id: 7, price_per_hour_credits: 500, expires_at: at(600), warning: null, at: at(0) } };
const ended: KgpuEvent = { type: 'RentalEnded', data: { gpu_id: gpuId, user_id: 7, reason: 'returned', message: null, at: at(10) } };
const charged: KgpuEvent = {
  type: 'RentalCharged',
  data: { user_id: 7, gpu_id: gpuId, minutes: 10, price_per_hour_credits: 500, units: 5_000, caused_by: [], started_at: at(0), ended_at: at(10), at: at(10) },
};

function accountsAfter(...events: KgpuEvent[]): Accounts {
  const accounts = new Accounts();
  events.forEach((event, index) => accounts.apply(event, `event-${index}`));
  return accounts;
}

describe('what is known of accounts', () => {
  it('counts an ended rental before and after its charge is recorded, once', () => {
    const later = new Date(at(60));
    expect(accountsAfter(opened, started, ended).standing(7, later).units).toBe(55_000);
    expect(accountsAfter(opened, started, ended, charged).standing(7, later).units).toBe(55_000);
    expect(accountsAfter(opened, started, ended).unrecordedUnits(7, later)).toBe(5_000);
    expect(accountsAfter(opened, started, ended, charged).unrecordedUnits(7, later)).toBe(0);
  });

  it('owes a charge from the end of a rental until it is recorded', () => {
    expect(accountsAfter(opened, started).due()).toEqual([]);
    expect(accountsAfter(opened, started, ended).due()).toMatchObject([{ userId: 7, charge: { gpuId, minutes: 10, causedBy: ['event-1', 'event-2'] } }]);
    expect(accountsAfter(opened, started, ended, charged).due()).toEqual([]);
  });

  it('owes nothing for a rental that never started', () => {
    expect(accountsAfter(opened, ended).due()).toEqual([]);
  });

  it('misses an account of everybody who has none', () => {
    expect(accountsAfter(started).unopened()).toEqual([7]);
    expect(accountsAfter(opened).unopened()).toEqual([]);
    expect(accountsAfter(started).deadline(7)).toMatchObject({ reason: 'duration_expired' });
  });
});
