/** Which GPU of an account is returned next by itself, and when: its duration, its idleness, or the credits. */
import type { AutoReturnReason } from '@kgpu/contracts';
import type { Rental } from '../book/rental.ts';
import { outOfCredits } from './out-of-credits.ts';

export interface NextReturn {
  rental: Rental;
  at: number;
  reason: AutoReturnReason;
}

/** `burning`: rentals that are neither ended nor due. At one instant the duration comes before idleness, and credits last. */
export function nextReturn(units: number, burning: readonly Rental[], idleReturnMs: number): NextReturn | null {
  let next: NextReturn | null = null;
  for (const rental of burning) {
    if (next === null || rental.expiresAt < next.at) next = { rental, at: rental.expiresAt, reason: 'duration_expired' };
    const idleAt = idleDeadline(rental, idleReturnMs);
    if (idleAt < next.at) next = { rental, at: idleAt, reason: 'auto_idle' };
  }
  const unpaid = outOfCredits(units, burning);
  return unpaid !== null && (next === null || unpaid.at < next.at) ? { ...unpaid, reason: 'out_of_credits' } : next;
}

/** When the rental has been idle for `idleMs`; Infinity while a run is active. */
export function idleDeadline({ activeRuns, idleSince }: Rental, idleMs: number): number {
  return activeRuns > 0 ? Infinity : idleSince + idleMs;
}
