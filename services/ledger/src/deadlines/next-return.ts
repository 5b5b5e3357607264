/** Which GPU of an account is returned next by itself, and when: its duration, its idleness, or the credits. */
import type { AutoReturnReason } from '@kgpu/contracts';
import { minutesUntil, type Rental } from '../book/rental.ts';
import { outOfCredits } from './out-of-credits.ts';

export interface NextReturn {
  rental: Rental;
  at: number;
  reason: AutoReturnReason;
}

/**
 * `undue`: rentals that have met no deadline yet; one that has ended meets those before its end, too, since nobody pays for the
 * time between a deadline and its handling. `units`: what the account holds, with nothing of them taken off. At one instant the
 * duration comes before idleness, and credits last.
 */
export function nextReturn(units: number, undue: readonly Rental[], idleReturnMs: number): NextReturn | null {
  let next: NextReturn | null = null;
  for (const rental of undue) {
    const endsAt = rental.end?.at ?? Infinity;
    if (rental.expiresAt < Math.min(endsAt, next?.at ?? Infinity)) next = { rental, at: rental.expiresAt, reason: 'duration_expired' };
    const idleAt = idleDeadline(rental, idleReturnMs);
    if (idleAt < Math.min(endsAt, next?.at ?? Infinity)) next = { rental, at: idleAt, reason: 'auto_idle' };
  }
  const unpaid = outOfCredits(units, undue.map(paying));
  return unpaid !== null && (next === null || unpaid.at < next.at) ? { rental: unpaid.rental.rental, at: unpaid.at, reason: 'out_of_credits' } : next;
}

/** When the rental has been idle for `idleMs`; Infinity while a run is active. */
export function idleDeadline({ activeRuns, idleSince }: Rental, idleMs: number): number {
  return activeRuns > 0 ? Infinity : idleSince + idleMs;
}

function paying(rental: Rental) {
  const { gpuId, startedAt, pricePerHourCredits, due, end } = rental;
  return { rental, gpuId, startedAt, pricePerHourCredits, minutes: due === null && end === null ? Infinity : minutesUntil(rental, Infinity) };
}
