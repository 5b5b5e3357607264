/** A rental as money sees it: so many minutes from its start on, each at one price. Instants are milliseconds since 1970. */
import { creditsRoundedDown, type EventData } from '@kgpu/contracts';
import { chargedUntil, minutesUntil, MINUTE_MS, type Rental } from '../book/rental.ts';
import type { Burning } from '../deadlines/out-of-credits.ts';

export interface Stretch extends Burning {
  userId: number;
  gpuModel: string;
  /** Infinity while it runs. */
  until: number;
}

export function stretchOfCharge(data: EventData<'RentalCharged'>): Stretch {
  return {
    gpuId: data.gpu_id, userId: data.user_id, gpuModel: data.gpu_model, pricePerHourCredits: data.price_per_hour_credits,
    startedAt: Date.parse(data.started_at), minutes: data.minutes, until: Date.parse(data.charged_until),
  };
}

export function stretchOfRental(rental: Rental): Stretch {
  const { gpuId, userId, gpuModel, pricePerHourCredits, startedAt } = rental;
  const until = chargedUntil(rental);
  return {
    gpuId, userId, gpuModel, pricePerHourCredits, startedAt, until: until ?? Infinity,
    minutes: until === null ? Infinity : minutesUntil(rental, Infinity),
  };
}

/** Units that it has cost up to and at `at`. */
export function unitsAt({ startedAt, minutes, until, pricePerHourCredits }: Stretch, at: number): number {
  if (at < startedAt || minutes === 0) return 0;
  return Math.min(minutes, Math.max(1, Math.ceil((Math.min(at, until) - startedAt) / MINUTE_MS))) * pricePerHourCredits;
}

/** How many of its minutes begin in [`from`, `to`). */
export function minutesWithin(stretch: Stretch, from: number, to: number): number {
  return Math.max(0, minutesBefore(stretch, to) - minutesBefore(stretch, from));
}

export function runsAt({ startedAt, until }: Stretch, at: number): boolean {
  return startedAt <= at && at < until;
}

/** Everything that moves one balance. */
export interface History {
  userId: number;
  openedAt: number;
  openedPosition: number;
  startingUnits: number;
  grants: { at: number; units: number }[];
  stretches: Stretch[];
}

export interface BalanceAt {
  grantedUnits: number;
  chargedUnits: number;
  running: Stretch[];
}

export function balanceAt({ grants, stretches }: History, at: number): BalanceAt {
  return {
    grantedUnits: grants.reduce((sum, grant) => (grant.at <= at ? sum + grant.units : sum), 0),
    chargedUnits: stretches.reduce((sum, stretch) => sum + unitsAt(stretch, at), 0),
    running: stretches.filter((stretch) => runsAt(stretch, at)),
  };
}

export function burnOf(running: readonly Pick<Burning, 'pricePerHourCredits'>[]): number {
  return running.reduce((sum, { pricePerHourCredits }) => sum + pricePerHourCredits, 0);
}

/** Points from `from` to `to`, one each `stepMs`. */
export function pointsOf(history: History, from: number, to: number, stepMs: number): { at: string; balance: number; burn_per_hour_credits: number }[] {
  const over = history.stretches.filter(({ until }) => until <= from);
  const paid = over.reduce((sum, stretch) => sum + unitsAt(stretch, from), 0);
  const moving = { ...history, stretches: history.stretches.filter(({ until, startedAt }) => until > from && startedAt <= to) };
  return Array.from({ length: Math.floor((to - from) / stepMs) + 1 }, (_, index) => {
    const at = from + index * stepMs;
    const { grantedUnits, chargedUnits, running } = balanceAt(moving, at);
    return { at: new Date(at).toISOString(), balance: creditsRoundedDown(grantedUnits - paid - chargedUnits), burn_per_hour_credits: burnOf(running) };
  });
}

function minutesBefore({ startedAt, minutes }: Stretch, at: number): number {
  return Math.min(minutes, Math.max(0, Math.ceil((at - startedAt) / MINUTE_MS)));
}
