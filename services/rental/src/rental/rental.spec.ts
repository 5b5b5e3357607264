import { describe, expect, it } from '@jest/globals';
import type { RentalEvent } from '@kgpu/contracts';
import { given } from '@kgpu/event-store/testing';
import { rentalDecider, type KnownRental, type RentalState } from './rental.ts';
import { viewRental } from './rental-view.ts';

const gpu_id = 'gpu-1-260517010000-0a0b0c0d';
const at = (seconds: number) => new Date(Date.UTC(2026, 4, 17, 1, 0, seconds));
const iso = (seconds: number) => at(seconds).toISOString();
const terms = {
  gpu_id, user_id: 1, name: 'check', image: 'debian:12', env: {}, node: 'here', gpu_model: 'cpu',
  price_per_hour_credits: 500, duration_seconds: 3_600, token_hash: 'x',
};
const requested: RentalEvent = { type: 'RentalRequested', data: { ...terms, at: iso(0) } };
const started: RentalEvent = { type: 'RentalStarted', data: { gpu_id, user_id: 1, price_per_hour_credits: 500, expires_at: iso(3_610), warning: null, at: iso(10) } };
const ended = (reason: 'returned' | 'start_failed', seconds: number): RentalEvent => ({ type: 'RentalEnded', data: { gpu_id, user_id: 1, reason, message: null, at: iso(seconds) } });
const freed: RentalEvent = { type: 'RentalHardwareFreed', data: { gpu_id, at: iso(99) } };
const end = (seconds: number | null) => ({ type: 'End', reason: 'returned', at: seconds === null ? null : at(seconds), message: null }) as const;

describe('a rental', () => {
  it('is requested once', () => {
    given(rentalDecider, []).when({ type: 'Request', terms }, at(0)).then([requested]);
    given(rentalDecider, [requested]).when({ type: 'Request', terms }, at(5)).then([]);
  });

  it('starts when its container is ready, and its duration runs from then', () => {
    given(rentalDecider, [requested]).when({ type: 'Start', warning: null }, at(10)).then([started]);
  });

  it('does not start twice, nor after it was returned', () => {
    given(rentalDecider, [requested, started]).when({ type: 'Start', warning: null }, at(11)).then([]);
    given(rentalDecider, [requested, ended('returned', 5)]).when({ type: 'Start', warning: null }, at(11)).then([]);
  });

  it('ends now when somebody returns it, while pending too', () => {
    given(rentalDecider, [requested]).when(end(null), at(5)).then([ended('returned', 5)]);
    given(rentalDecider, [requested, started]).when(end(null), at(70)).then([ended('returned', 70)]);
  });

  it('ends at its deadline after downtime, but never before its start or in the future', () => {
    given(rentalDecider, [requested, started]).when(end(40), at(70)).then([ended('returned', 40)]);
    given(rentalDecider, [requested, started]).when(end(1), at(70)).then([ended('returned', 10)]);
    given(rentalDecider, [requested, started]).when(end(500), at(70)).then([ended('returned', 70)]);
  });

  it('ends once: the first end wins', () => {
    given(rentalDecider, [requested, started, ended('returned', 70)]).when(end(null), at(71)).then([]);
    given(rentalDecider, [requested, started, ended('returned', 70), freed]).when(end(null), at(99)).then([]);
  });

  it('frees its hardware only after its end, once', () => {
    given(rentalDecider, [requested, started]).when({ type: 'FreeHardware' }, at(99)).then([]);
    given(rentalDecider, [requested, started, ended('returned', 70)]).when({ type: 'FreeHardware' }, at(99)).then([freed]);
    given(rentalDecider, [requested, started, ended('returned', 70), freed]).when({ type: 'FreeHardware' }, at(99)).then([]);
  });

  it('that was never requested can be neither started nor ended', () => {
    given(rentalDecider, []).when({ type: 'Start', warning: null }, at(0)).thenProblem('gpu_not_found');
    given(rentalDecider, []).when(end(null), at(0)).thenProblem('gpu_not_found');
  });
});

describe('the view of a rental', () => {
  const view = (events: RentalEvent[]) => viewRental(events.reduce<RentalState>(rentalDecider.evolve, rentalDecider.initial) as KnownRental);

  it('says Pending, Ready, Ending, Ended', () => {
    expect(view([requested])).toMatchObject({ phase: 'Pending', ready_at: null, expires_at: null });
    expect(view([requested, started])).toMatchObject({ phase: 'Ready', ready_at: iso(10), expires_at: iso(3_610) });
    expect(view([requested, started, ended('returned', 70)])).toMatchObject({ phase: 'Ending', end_reason: 'returned', ended_at: iso(70) });
    expect(view([requested, started, ended('returned', 70), freed])).toMatchObject({ phase: 'Ended' });
  });

  it('says Failed for one that could not start', () => {
    expect(view([requested, ended('start_failed', 5), freed])).toMatchObject({ phase: 'Failed', end_reason: 'start_failed' });
  });
});
