import { describe, it } from '@jest/globals';
import type { AccountEvent } from '@kgpu/contracts';
import { given } from '@kgpu/event-store/testing';
import { accountDecider, type Charge } from './account.ts';

const now = new Date('2026-05-17T12:00:00.000Z');
const at = now.toISOString();
const openedWith = (credits: number): AccountEvent => ({ type: 'AccountOpened', data: { user_id: 7, units: credits * 60, at: '2026-05-17T00:00:00.000Z' } });
const gpuId = 'gpu-7-260517010000-0a1b2c3d';
const charge: Charge = {
  gpuId, minutes: 61, pricePerHourCredits: 500, startedAt: '2026-05-17T01:00:00.000Z', endedAt: '2026-05-17T02:00:01.000Z', causedBy: ['started', 'ended'],
};
const charged: AccountEvent = {
  type: 'RentalCharged',
  data: {
    user_id: 7, gpu_id: gpuId, minutes: 61, price_per_hour_credits: 500, units: 30_500, caused_by: ['started', 'ended'],
    started_at: charge.startedAt, ended_at: charge.endedAt, at,
  },
};
const grant = (credits: number, runningUnits = 0) => ({ type: 'Grant', credits, note: null, grantedBy: 'admin', runningUnits }) as const;
const granted = (credits: number): AccountEvent => ({ type: 'CreditsGranted', data: { user_id: 7, units: credits * 60, note: null, granted_by: 'admin', at } });

describe('an account', () => {
  it('opens once with the starting credits', () => {
    given(accountDecider, []).when({ type: 'Open', userId: 7, credits: 10 }, now).then([{ type: 'AccountOpened', data: { user_id: 7, units: 600, at } }]);
    given(accountDecider, [openedWith(10)]).when({ type: 'Open', userId: 7, credits: 10 }, now).then([]);
  });

  it('takes grants and gives back down to zero', () => {
    given(accountDecider, [openedWith(10)]).when(grant(5), now).then([granted(5)]);
    given(accountDecider, [openedWith(10)]).when(grant(-10), now).then([granted(-10)]);
  });

  it('gives back no more than it holds', () => {
    given(accountDecider, [openedWith(10)]).when(grant(-11), now).thenProblem('balance_too_low', { balance: 10 });
    given(accountDecider, [openedWith(1_000), charged]).when(grant(-492), now).thenProblem('balance_too_low', { balance: 491 });
    given(accountDecider, [openedWith(1_000), charged]).when(grant(-491), now).then([granted(-491)]);
  });

  it('leaves what running rentals have cost so far', () => {
    given(accountDecider, [openedWith(10)]).when(grant(-10, 1), now).thenProblem('balance_too_low', { balance: 9 });
    given(accountDecider, [openedWith(10)]).when(grant(-9, 1), now).then([granted(-9)]);
  });

  it('takes whole credits only, and no more than can be counted exactly', () => {
    for (const credits of [0, 0.5, NaN, 1e15]) given(accountDecider, [openedWith(10)]).when(grant(credits), now).thenProblem('invalid_request');
  });

  it('is charged price units for each minute', () => {
    given(accountDecider, [openedWith(1_000)]).when({ type: 'Charge', charge }, now).then([charged]);
  });

  it('must be open for grants and charges', () => {
    given(accountDecider, []).when(grant(5), now).thenProblem('account_not_found');
    given(accountDecider, []).when({ type: 'Charge', charge }, now).thenProblem('account_not_found');
  });
});
