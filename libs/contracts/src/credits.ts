/**
 * Money. The ledger counts integer units of 1/60 credit, so one started minute at p credits/hour costs exactly p units
 * and nothing is ever rounded while summing; rounding happens once, where people read a number.
 */
export const UNITS_PER_CREDIT = 60;
const MINUTE_MS = 60_000;

/** Minutes begun between two instants: at least one, since the first minute has started once the rental has. */
export function startedMinutes(from: Date, to: Date): number {
  return Math.max(1, Math.ceil((to.getTime() - from.getTime()) / MINUTE_MS));
}

/** What a rental costs from `from` to `to`, in units. `pricePerHourCredits` is an integer. */
export function chargeUnits(from: Date, to: Date, pricePerHourCredits: number): number {
  return startedMinutes(from, to) * pricePerHourCredits;
}

/** A balance as people see it: whole credits, rounded down. */
export function creditsRoundedDown(units: number): number {
  return Math.floor(units / UNITS_PER_CREDIT);
}

/** A charge as people see it: whole credits, rounded up. */
export function creditsRoundedUp(units: number): number {
  return Math.ceil(units / UNITS_PER_CREDIT);
}

export function unitsOfCredits(credits: number): number {
  return credits * UNITS_PER_CREDIT;
}
