/**
 * When running rentals have to stop, and what they cost until then. Nobody pays for time past a deadline, even when kgpu was
 * down and could not return the GPU: so a balance never falls below zero.
 */
import { chargeUnits, startedMinutes } from '@kgpu/contracts';
import { outOfCredits, type RunningRental } from './out-of-credits.ts';

export interface Deadline {
  gpuId: string;
  at: Date;
  reason: 'duration_expired' | 'out_of_credits';
}

/** A deadline met: the rental costs so many minutes. */
export interface Stop extends Deadline {
  minutes: number;
}

/** What an account holds: `units` recorded, nothing of `running` taken off yet. */
export interface Holding {
  units: number;
  running: readonly RunningRental[];
}

export interface Standing {
  /** Left at that instant, running rentals included. */
  units: number;
  /** Those that have met no deadline. */
  running: readonly RunningRental[];
  runsOutAt: Date | null;
}

/** The first deadline of an account's rentals; later ones depend on it. */
export function nextDeadline({ units, running }: Holding): Deadline | null {
  const unpaid = outOfCredits(units, running);
  const expiring = running.reduce<RunningRental | null>((first, rental) => (first === null || rental.expiresAt < first.expiresAt ? rental : first), null);
  if (unpaid !== null && (expiring === null || unpaid.at < expiring.expiresAt)) return { ...unpaid, reason: 'out_of_credits' };
  return expiring === null ? null : { gpuId: expiring.gpuId, at: expiring.expiresAt, reason: 'duration_expired' };
}

/** How the account stands at `now`, the deadlines until then met. */
export function standingAt(holding: Holding, now: Date): Standing {
  const { units, running } = meetDeadlines(holding, now).holding;
  const used = running.reduce((sum, { startedAt, pricePerHourCredits }) => sum + chargeUnits(startedAt, now, pricePerHourCredits), 0);
  return { units: units - used, running, runsOutAt: outOfCredits(units, running)?.at ?? null };
}

/** Until when and how many minutes a rental that ended at `endedAt` is charged. */
export function chargedUntil(holding: Holding, gpuId: string, startedAt: Date, endedAt: Date): { at: Date; minutes: number } {
  const stop = meetDeadlines(holding, endedAt).stops.find((met) => met.gpuId === gpuId);
  return stop ?? { at: endedAt, minutes: startedMinutes(startedAt, endedAt) };
}

function meetDeadlines(holding: Holding, until: Date): { holding: Holding; stops: Stop[] } {
  const stops: Stop[] = [];
  let left = holding;
  for (let next = nextDeadline(left); next !== null && next.at <= until; next = nextDeadline(left)) {
    const { gpuId } = next;
    const rental = left.running.find((running) => running.gpuId === gpuId)!;
    const minutes = minutesUntil(rental, next);
    stops.push({ ...next, minutes });
    left = { units: left.units - minutes * rental.pricePerHourCredits, running: left.running.filter((running) => running !== rental) };
  }
  return { holding: left, stops };
}

/** Out of credits comes at the edge of a minute, which may be the very first: then nothing could be paid. */
function minutesUntil({ startedAt }: RunningRental, { reason, at }: Deadline): number {
  return reason === 'out_of_credits' ? (at.getTime() - startedAt.getTime()) / 60_000 : startedMinutes(startedAt, at);
}
