import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { outOfCredits, type Burning } from './out-of-credits.ts';

const noon = Date.parse('2026-05-17T12:00:00Z');
const rental = (gpuId: string, startMs: number, pricePerHourCredits: number, minutes = Infinity): Burning => ({
  gpuId, startedAt: noon + startMs, pricePerHourCredits, minutes,
});

/** The rule itself: pay every minute when it begins, until one can't be paid. */
function walk(units: number, rentals: readonly Burning[]): { gpuId: string; at: number } | null {
  const next = rentals.map((running) => ({ ...running, at: running.startedAt, left: running.minutes }));
  for (let rest = units; ;) {
    const [first] = next.filter(({ left }) => left > 0).sort((a, b) => a.at - b.at || a.startedAt - b.startedAt || (a.gpuId < b.gpuId ? -1 : 1));
    if (first === undefined) return null;
    rest -= first.pricePerHourCredits;
    if (rest < 0) return { gpuId: first.gpuId, at: first.at };
    first.at += 60_000;
    first.left--;
  }
}

const rentals = fc
  .array(fc.record({ startMs: fc.oneof(fc.integer({ min: 0, max: 600_000 }), fc.integer({ min: 0, max: 10 }).map((minutes) => minutes * 60_000)), price: fc.integer({ min: 50, max: 900 }), minutes: fc.oneof(fc.constant(Infinity), fc.integer({ min: 1, max: 40 })) }), { minLength: 1, maxLength: 6 })
  .map((made) => made.map(({ startMs, price, minutes }, index) => rental(`gpu-${index}`, startMs, price, minutes)));

function found(units: number, running: readonly Burning[]): { gpuId: string; at: number } | null {
  const unpaid = outOfCredits(units, running);
  return unpaid === null ? null : { gpuId: unpaid.rental.gpuId, at: unpaid.at };
}

describe('running out of credits', () => {
  it('comes at the minute that a walk over all minutes finds', () => {
    fc.assert(fc.property(fc.integer({ min: 0, max: 60_000 }), rentals, (units, running) => {
      expect(found(units, running)).toEqual(walk(units, running));
    }), { numRuns: 2_000 });
  });

  it('comes after exactly one hour when one hour can be paid', () => {
    expect(found(30_000, [rental('a', 0, 500)])).toEqual({ gpuId: 'a', at: noon + 3_600_000 });
  });

  it('comes with the first minute when nothing is left, and never before it', () => {
    for (const units of [-5_000, 0, 499]) expect(found(units, [rental('a', 0, 500)])).toEqual({ gpuId: 'a', at: noon });
  });

  it('never comes when what runs ends before it', () => {
    expect(outOfCredits(30_000, [rental('a', 0, 500, 60)])).toBeNull();
    expect(found(29_999, [rental('a', 0, 500, 60)])).toEqual({ gpuId: 'a', at: noon + 59 * 60_000 });
  });

  it('never comes without a rental, and has no date beyond the year 9999', () => {
    expect(outOfCredits(0, [])).toBeNull();
    expect(outOfCredits(6e13, [rental('a', 0, 1)])).toBeNull();
    expect(outOfCredits(Infinity, [rental('a', 0, 1)])).toBeNull();
  });
});
