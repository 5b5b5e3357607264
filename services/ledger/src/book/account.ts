/** An account as the ledger knows it: sums of what is recorded, and the rentals that are not charged yet. */
import { nextReturn, type NextReturn } from '../deadlines/next-return.ts';
import { outOfCredits } from '../deadlines/out-of-credits.ts';
import { isBurning, unitsUntil, type Rental } from './rental.ts';

export interface Account {
  userId: number;
  /** When the user was registered, as far as it is known. */
  registeredAt: number | null;
  /** Null: there is no account yet. */
  openedAt: number | null;
  openedPosition: number;
  startingUnits: number;
  /** Recorded, in units. */
  granted: number;
  charged: number;
  /** How many facts the account's stream has. */
  facts: number;
  /** The last opening or grant. */
  grantId: string;
  /** Latest business time of a fact of this user. */
  asOf: number;
  rentals: Rental[];
}

/** How an account stands at an instant. */
export interface Standing {
  units: number;
  burnPerHour: number;
  runningGpus: number;
  runsOutAt: number | null;
}

export function newAccount(userId: number): Account {
  return {
    userId, registeredAt: null, openedAt: null, openedPosition: 0, startingUnits: 0, granted: 0, charged: 0, facts: 0, grantId: '',
    asOf: 0, rentals: [],
  };
}

/** What rentals have cost up to `at` that is not charged yet. */
export function owedUnits({ rentals }: Account, at: number): number {
  let units = 0;
  for (const rental of rentals) units += unitsUntil(rental, at);
  return units;
}

/** What rentals that have met no deadline are paid from: nothing of them is taken off, all of the others is. */
export function payableUnits({ granted, charged, rentals }: Account): number {
  let units = granted - charged;
  for (const rental of rentals) if (rental.due !== null) units -= unitsUntil(rental, Infinity);
  return units;
}

export function burningRentals({ rentals }: Account): Rental[] {
  return rentals.every(isBurning) ? rentals : rentals.filter(isBurning);
}

/** The account at `at`, which is not before `asOf`. `idleReturnMs`: Infinity leaves idle returns to their records. */
export function standingAt(account: Account, at: number, idleReturnMs: number): Standing {
  const now = Math.max(at, account.asOf);
  const left = settledAt(account, now, idleReturnMs);
  const burning = burningRentals(left);
  const payable = left.rentals.reduce((units, rental) => (isBurning(rental) ? units : units - unitsUntil(rental, Infinity)), left.granted - left.charged);
  return {
    units: left.granted - left.charged - owedUnits(left, now),
    burnPerHour: burning.reduce((sum, { pricePerHourCredits }) => sum + pricePerHourCredits, 0),
    runningGpus: burning.length,
    runsOutAt: outOfCredits(payable, burning.map((rental) => ({ ...rental, minutes: Infinity })))?.at ?? null,
  };
}

/** A copy of the account in which every deadline up to `at` is met, whether it is recorded yet or not. */
export function settledAt(account: Account, at: number, idleReturnMs: number): Account {
  const copy = { ...account, rentals: account.rentals.map((rental) => ({ ...rental })) };
  meetDeadlines(copy, at, idleReturnMs);
  return copy;
}

/** Marks the rentals whose deadline has come by `at` as due, in order: later deadlines depend on earlier ones. */
export function meetDeadlines(account: Account, at: number, idleReturnMs: number): Rental[] {
  const met: Rental[] = [];
  for (let next = nextOf(account, idleReturnMs); next !== null && next.at <= at; next = nextOf(account, idleReturnMs)) {
    next.rental.due = { at: next.at, reason: next.reason, eventId: null, why: null };
    met.push(next.rental);
  }
  return met;
}

/** The first deadline that no rental of the account has met yet. */
export function nextOf(account: Account, idleReturnMs: number): NextReturn | null {
  // Without an account there is nothing to run out of: it is about to be opened.
  const units = account.openedAt === null ? Infinity : payableUnits(account);
  const undue = account.rentals.every(({ due }) => due === null) ? account.rentals : account.rentals.filter(({ due }) => due === null);
  return nextReturn(units, undue, idleReturnMs);
}
