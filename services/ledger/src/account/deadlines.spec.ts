import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { chargedUntil, nextDeadline, standingAt } from './deadlines.ts';
import type { RunningRental } from './out-of-credits.ts';

const noon = Date.parse('2026-05-17T12:00:00Z');
const minutes = (count: number) => new Date(noon + count * 60_000);
const rental = (gpuId: string, price: number, start: number, end: number): RunningRental => ({
  gpuId, startedAt: minutes(start), expiresAt: minutes(end), pricePerHourCredits: price,
});

describe('deadlines', () => {
  it('are the duration or the credits, whichever ends first', () => {
    expect(nextDeadline({ units: 1_000, running: [rental('a', 100, 0, 5)] })).toEqual({ gpuId: 'a', at: minutes(5), reason: 'duration_expired' });
    expect(nextDeadline({ units: 300, running: [rental('a', 100, 0, 5)] })).toMatchObject({ gpuId: 'a', at: minutes(3), reason: 'out_of_credits' });
    expect(nextDeadline({ units: 0, running: [] })).toBeNull();
  });

  it('stop the charge where they lie, also for a rental that was ended late', () => {
    const running = [rental('a', 100, 0, 5)];
    expect(chargedUntil({ units: 1_000, running }, 'a', minutes(0), minutes(90))).toMatchObject({ at: minutes(5), minutes: 5 });
    expect(chargedUntil({ units: 300, running }, 'a', minutes(0), minutes(90))).toMatchObject({ at: minutes(3), minutes: 3 });
    expect(chargedUntil({ units: 1_000, running }, 'a', minutes(0), minutes(1.5))).toEqual({ at: minutes(1.5), minutes: 2 });
  });

  it('let the other rentals of the user go on as long as they can be paid', () => {
    const running = [rental('dear', 100, 0, 60), rental('cheap', 10, 0.5, 60)];
    const standing = standingAt({ units: 250, running }, minutes(2.2));
    expect(standing.running.map(({ gpuId }) => gpuId)).toEqual(['cheap']);
    expect(standing.units).toBe(30);
  });

  it('keep every balance at or above zero', () => {
    const made = fc.array(fc.tuple(fc.integer({ min: 1, max: 900 }), fc.integer({ min: 0, max: 20 }), fc.integer({ min: 1, max: 60 })), { maxLength: 5 });
    fc.assert(fc.property(fc.nat(20_000), made, fc.integer({ min: 20 * 60_000, max: 90 * 60_000 }), (units, list, nowMs) => {
      const running = list.map(([price, start, length], index) => rental(`gpu-${index}`, price, start, start + length));
      expect(standingAt({ units, running }, new Date(noon + nowMs)).units).toBeGreaterThanOrEqual(0);
    }), { numRuns: 1_000 });
  });
});
