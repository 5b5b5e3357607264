/** A rental as the ledger knows it, and what it costs. Instants are milliseconds since 1970. */
import type { AutoReturnReason, EndReason } from '@kgpu/contracts';

export const MINUTE_MS = 60_000;

export interface Due {
  at: number;
  reason: AutoReturnReason;
  /** Id of its RentalReturnDue; null as long as it only follows from other facts. */
  eventId: string | null;
  why: string | null;
}

export interface End {
  at: number;
  reason: EndReason;
  eventId: string;
}

/** From RentalStarted until its charge is recorded. */
export interface Rental {
  gpuId: string;
  userId: number;
  startedAt: number;
  pricePerHourCredits: number;
  gpuModel: string;
  startedId: string;
  expiresAt: number;
  activeRuns: number;
  /** Of the last activity: the start, the request or the end of a run. */
  idleSince: number;
  idleId: string;
  idleRun: string | null;
  /** A deadline that has passed: it costs nothing from then on. */
  due: Due | null;
  end: End | null;
}

/** Minutes that the rental is charged for up to `at`: those that have begun, up to its end or the deadline that it met. */
export function minutesUntil({ startedAt, due, end }: Rental, at: number): number {
  if (at < startedAt) return 0;
  const until = end !== null && end.at < at ? end.at : at;
  // Out of credits comes at the edge of a minute, which may be the very first: then nothing could be paid.
  if (due !== null && due.at <= until) return Math.max(due.reason === 'out_of_credits' ? 0 : 1, begunMinutes(startedAt, due.at));
  return Math.max(1, begunMinutes(startedAt, until));
}

/** When charging stops; null while it runs. */
export function chargedUntil({ due, end }: Rental): number | null {
  if (due === null || end === null) return due?.at ?? end?.at ?? null;
  return Math.min(due.at, end.at);
}

export function unitsUntil(rental: Rental, at: number): number {
  return minutesUntil(rental, at) * rental.pricePerHourCredits;
}

/** Neither ended nor due. */
export function isBurning({ due, end }: Rental): boolean {
  return due === null && end === null;
}

function begunMinutes(from: number, to: number): number {
  return Math.ceil((to - from) / MINUTE_MS);
}
