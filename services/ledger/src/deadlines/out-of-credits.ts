/**
 * When an account runs out: the first minute of a rental that can't be paid, without walking the minutes. Minutes that begin
 * at one instant are paid in the order in which their rentals started. Instants are milliseconds since 1970.
 */
const MINUTE_MS = 60_000;
/** Later instants have no RFC 3339 spelling with a four-digit year. */
const LAST_INSTANT_MS = Date.UTC(9999, 11, 31);

/** A rental that costs its price in units for each minute that it begins. */
export interface Burning {
  gpuId: string;
  startedAt: number;
  pricePerHourCredits: number;
  /** How many minutes it begins; Infinity while it runs. */
  minutes: number;
}

export interface UnpaidMinute<R extends Burning = Burning> {
  /** Whose minute can't be paid. */
  rental: R;
  /** When that minute would begin: a whole number of minutes after the start of its rental. */
  at: number;
}

/**
 * `units`: what the account holds, with nothing of these rentals taken off yet. Null: never (nothing runs, or not before the
 * year 9999). All that was granted counts as if it had been so from the first start on: exact as long as every earlier
 * exhaustion was dealt with before the next grant.
 */
export function outOfCredits<R extends Burning>(units: number, rentals: readonly R[]): UnpaidMinute<R> | null {
  const [only] = rentals;
  if (only === undefined) return null;
  // An account below zero pays nothing: its first minute is the unpaid one, never an earlier instant.
  let left = Math.max(0, units);
  if (rentals.length === 1) return alone(left, only);
  const byStart = [...rentals].sort(inOrderOfStart);
  const edges = [...new Set(byStart.flatMap((rental) => [rental.startedAt, pastLastMinute(rental)]))].sort((a, b) => a - b);
  for (const [index, from] of edges.entries()) {
    const to = edges[index + 1] ?? Infinity;
    const paying = byStart.filter((rental) => rental.startedAt <= from && from < pastLastMinute(rental));
    const cost = paying.reduce((sum, rental) => sum + minutesBetween(rental, from, to) * rental.pricePerHourCredits, 0);
    if (cost > left) return firstUnpaid(left, paying, from);
    left -= cost;
  }
  return null;
}

function alone<R extends Burning>(units: number, rental: R): UnpaidMinute<R> | null {
  const minutes = Math.floor(units / rental.pricePerHourCredits);
  const at = rental.startedAt + minutes * MINUTE_MS;
  return minutes < rental.minutes && at < LAST_INSTANT_MS ? { rental, at } : null;
}

/** From `from` on every rental begins one minute in each 60 s: whole rounds first, then one round by its phases. */
function firstUnpaid<R extends Burning>(left: number, rentals: readonly R[], from: number): UnpaidMinute<R> | null {
  const perRound = rentals.reduce((sum, { pricePerHourCredits }) => sum + pricePerHourCredits, 0);
  const rounds = Math.floor(left / perRound);
  if (!(from + (rounds + 1) * MINUTE_MS < LAST_INSTANT_MS)) return null;
  let rest = left - rounds * perRound;
  const phased = rentals.map((rental) => ({ rental, phase: (MINUTE_MS - ((from - rental.startedAt) % MINUTE_MS)) % MINUTE_MS }));
  // Stable: those of one phase stay in order of their starts.
  for (const { rental, phase } of phased.sort((a, b) => a.phase - b.phase)) {
    rest -= rental.pricePerHourCredits;
    if (rest < 0) return { rental, at: from + rounds * MINUTE_MS + phase };
  }
  throw new Error('a round costs more than what is left of it');
}

/** When the minute after its last one would begin. */
function pastLastMinute({ startedAt, minutes }: Burning): number {
  return startedAt + minutes * MINUTE_MS;
}

/** Minutes that begin in [`from`, `to`), which lies within the rental. */
function minutesBetween({ startedAt }: Burning, from: number, to: number): number {
  return Math.ceil((to - startedAt) / MINUTE_MS) - Math.ceil((from - startedAt) / MINUTE_MS);
}

function inOrderOfStart(a: Burning, b: Burning): number {
  return a.startedAt - b.startedAt || (a.gpuId < b.gpuId ? -1 : 1);
}
