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
}

export interface UnpaidMinute<R extends Burning = Burning> {
  /** Whose minute can't be paid. */
  rental: R;
  /** When that minute would begin: a whole number of minutes after the start of its rental. */
  at: number;
}

/**
 * `units`: what the account holds, with nothing of these rentals taken off yet. Null: never (nothing runs, or not before the
 * year 9999). All that was granted and charged counts as if it had been so from the first start on: exact as long as every
 * earlier exhaustion was dealt with when it was due.
 */
export function outOfCredits<R extends Burning>(units: number, rentals: readonly R[]): UnpaidMinute<R> | null {
  const [only] = rentals;
  if (only === undefined) return null;
  if (rentals.length === 1) return alone(units, only);
  const byStart = [...rentals].sort(inOrderOfStart);
  for (let count = 1; count <= byStart.length; count++) {
    const nextStart = byStart[count]?.startedAt ?? Infinity;
    const unpaid = withoutNewStarts(units, byStart.slice(0, count));
    if (unpaid !== null && unpaid.at <= nextStart) return unpaid;
  }
  return null;
}

function alone<R extends Burning>(units: number, rental: R): UnpaidMinute<R> | null {
  const at = rental.startedAt + Math.floor(Math.max(0, units) / rental.pricePerHourCredits) * MINUTE_MS;
  return at < LAST_INSTANT_MS ? { rental, at } : null;
}

/** From the last start on every rental begins one minute in each 60 s: whole rounds first, then one round by its phases. */
function withoutNewStarts<R extends Burning>(units: number, rentals: readonly R[]): UnpaidMinute<R> | null {
  const from = rentals.at(-1)!.startedAt;
  let begun = 0;
  let perRound = 0;
  for (const { startedAt, pricePerHourCredits } of rentals) {
    begun += Math.ceil((from - startedAt) / MINUTE_MS) * pricePerHourCredits;
    perRound += pricePerHourCredits;
  }
  // An account below zero pays nothing: its first minute is the unpaid one, never an earlier instant.
  const left = Math.max(0, units - begun);
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

function inOrderOfStart(a: Burning, b: Burning): number {
  return a.startedAt - b.startedAt || (a.gpuId < b.gpuId ? -1 : 1);
}
