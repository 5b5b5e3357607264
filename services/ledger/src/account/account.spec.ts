import { describe, expect, it } from '@jest/globals';
import { chained, chainHash, type AccountEvent } from '@kgpu/contracts';
import { given } from '@kgpu/event-store/testing';
import { accountDecider, type Charge, type ReturnDue } from './account.ts';

const now = new Date('2026-05-17T12:00:00.000Z');
const at = now.toISOString();
const opening = (credits: number): AccountEvent => ({ type: 'AccountOpened', data: chained('', 'AccountOpened', { user_id: 7, units: credits * 60, at: '2026-05-17T00:00:00.000Z' }) });
const hashOf = ({ data }: AccountEvent) => data.hash;
const gpuId = 'gpu-7-260517010000-0a1b2c3d';
const charge: Charge = {
  gpuId, gpuModel: 'GB10', minutes: 61, pricePerHourCredits: 500, startedAt: '2026-05-17T01:00:00.000Z', endedAt: '2026-05-17T02:00:01.000Z',
  chargedUntil: '2026-05-17T02:00:01.000Z', causedBy: ['started', 'ended'],
};
const charged = (before: AccountEvent, minutes = 61): AccountEvent => ({
  type: 'RentalCharged',
  data: chained(hashOf(before), 'RentalCharged', {
    user_id: 7, gpu_id: gpuId, gpu_model: 'GB10', minutes, waived_minutes: 61 - minutes, price_per_hour_credits: 500, units: minutes * 500,
    started_at: charge.startedAt, ended_at: charge.endedAt, charged_until: charge.chargedUntil, caused_by: ['started', 'ended'], at,
  }),
});
const granted = (before: AccountEvent, credits: number, when = at): AccountEvent => ({
  type: 'CreditsGranted', data: chained(hashOf(before), 'CreditsGranted', { user_id: 7, units: credits * 60, note: null, granted_by: 'admin', at: when }),
});
const grant = (credits: number, afterFacts: number, owedUnits = 0) => ({ type: 'Grant', credits, note: null, grantedBy: 'admin', owedUnits, afterFacts }) as const;
const open = { type: 'Open', userId: 7, credits: 10, at: null } as const;
const ten = opening(10);
const thousand = opening(1_000);

describe('an account', () => {
  it('opens once with the starting credits', () => {
    given(accountDecider, []).when(open, new Date('2026-05-17T00:00:00.000Z')).then([ten]);
    given(accountDecider, [ten]).when(open, now).then([]);
  });

  it('takes grants, and gives back down to zero', () => {
    given(accountDecider, [ten]).when(grant(5, 1), now).then([granted(ten, 5)]);
    given(accountDecider, [ten]).when(grant(-10, 1), now).then([granted(ten, -10)]);
  });

  it('gives back no more than it holds', () => {
    given(accountDecider, [ten]).when(grant(-11, 1), now).thenProblem('balance_too_low', { balance: 10 });
    const after = charged(thousand);
    given(accountDecider, [thousand, after]).when(grant(-492, 2), now).thenProblem('balance_too_low', { balance: 491 });
    given(accountDecider, [thousand, after]).when(grant(-491, 2), now).then([granted(after, -491)]);
  });

  it('gives nothing back of what running rentals have cost so far', () => {
    given(accountDecider, [ten]).when(grant(-10, 1, 1), now).thenProblem('balance_too_low', { balance: 9 });
    given(accountDecider, [ten]).when(grant(-9, 1, 1), now).then([granted(ten, -9)]);
  });

  it('grants nothing by what was worked out before its last fact', () => {
    const later = granted(ten, 5);
    given(accountDecider, [ten, later]).when(grant(1, 1), now).thenProblem('conflict');
    given(accountDecider, [ten, later]).when(grant(-1, 1), now).thenProblem('conflict');
  });

  it('takes whole credits only, and no more than can be counted exactly', () => {
    for (const credits of [0, 0.5, NaN, Infinity, 1e15]) given(accountDecider, [ten]).when(grant(credits, 1), now).thenProblem('invalid_request');
  });

  it('is charged price units for each minute, and never below zero', () => {
    given(accountDecider, [thousand]).when({ type: 'Charge', charge }, now).then([charged(thousand)]);
    const hundred = opening(100);
    given(accountDecider, [hundred]).when({ type: 'Charge', charge }, now).then([charged(hundred, 12)]);
  });

  it('records a return that is due, unless a grant has moved it', () => {
    const due: ReturnDue = { gpuId, reason: 'out_of_credits', dueAt: at, why: 'nothing left', causedBy: ['a'] };
    const recorded: AccountEvent = {
      type: 'RentalReturnDue',
      data: chained(hashOf(ten), 'RentalReturnDue', { user_id: 7, gpu_id: gpuId, reason: due.reason, due_at: at, why: due.why, caused_by: ['a'], at }),
    };
    const command = { type: 'ReturnRental', due, grantedUnits: 600 } as const;
    given(accountDecider, [ten]).when(command, now).then([recorded]);
    given(accountDecider, [ten, granted(ten, 5)]).when(command, now).then([]);
  });

  it('must be open for everything else', () => {
    given(accountDecider, []).when(grant(5, 0), now).thenProblem('account_not_found');
    given(accountDecider, []).when({ type: 'Charge', charge }, now).thenProblem('account_not_found');
  });

  it('never goes back in time, whatever the clock does', () => {
    const late = granted(ten, 5, '2026-05-17T13:00:00.000Z');
    given(accountDecider, [ten, late]).when(grant(1, 2), now).then([granted(late, 1, '2026-05-17T13:00:00.000Z')]);
  });

  it('chains its facts by hashes that do not depend on the order of fields', () => {
    const { data } = ten;
    const shuffled = Object.fromEntries(Object.entries(data).reverse());
    expect(chainHash('', 'AccountOpened', shuffled)).toBe(data.hash);
    expect(chainHash('', 'AccountOpened', { ...data, user_id: 8 })).not.toBe(data.hash);
    expect(chainHash('x', 'AccountOpened', data)).not.toBe(data.hash);
  });
});
