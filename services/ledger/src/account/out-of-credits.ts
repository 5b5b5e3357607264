/**
 * When an account runs out: the first minute of a running rental that can't be paid, without walking the minutes.
 * Minutes that begin at one instant are paid in the order in which their rentals started.
 */
const MINUTE_MS = 60_000;
/** Later instants have no RFC 3339 spelling with a four-digit year. */
const LAST_INSTANT_MS = Date.UTC(9999, 11, 31);

export interface RunningRental {
  gpuId: string;
  startedAt: Date;
  /** When its duration ends. */
  expiresAt: Date;
  pricePerHourCredits: number;
}

export interface UnpaidMinute {
  /** Whose minute can't be paid. */
  gpuId: string;
  /** When that minute would begin: a whole number of minutes after the start of its rental. */
  at: Date;
}

/**
 * `units`: what the account holds, with nothing of these rentals taken off yet. Null: never (nothing runs, or not before the
 * year 9999). The durations of rentals are not looked at: they end where they end (see `nextDeadline`).
 */
export function outOfCredits(units: number, rentals: readonly RunningRental[]): UnpaidMinute | null {
  const byStart = [...rentals].sort(inOrderOfStart);
  for (let count = 1; count <= byStart.length; count++) {
    const unpaid = withoutNewStarts(units, byStart.slice(0, count));
    const nextStart = byStart[count]?.startedAt.getTime() ?? Infinity;
    if (unpaid !== null && unpaid.at.getTime() <= nextStart) return unpaid;
  }
  return null;
}

/** From the last start on every rental begins one minute in each 60 s: whole rounds first, then one round by its phases. */
function withoutNewStarts(units: number, rentals: readonly RunningRental[]): UnpaidMinute | null {
  const from = rentals.at(-1)!.startedAt.getTime();
  const begun = rentals.reduce((sum, { startedAt, pricePerHourCredits }) => sum + Math.ceil((from - startedAt.getTime()) / MINUTE_MS) * pricePerHourCredits, 0);
  const perRound = rentals.reduce((sum, { pricePerHourCredits }) => sum + pricePerHourCredits, 0);
  // An account below zero pays nothing: its first minute is the unpaid one, never an earlier instant.
  const left = Math.max(0, units - begun);
  const rounds = Math.floor(left / perRound);
  if (!(from + (rounds + 1) * MINUTE_MS < LAST_INSTANT_MS)) return null;
  let rest = left - rounds * perRound;
  const phased = rentals.map((rental) => ({ rental, phase: (MINUTE_MS - ((from - rental.startedAt.getTime()) % MINUTE_MS)) % MINUTE_MS }));
  // Stable: those of one phase stay in order of their starts.
  for (const { rental, phase } of phased.sort((a, b) => a.phase - b.phase)) {
    rest -= rental.pricePerHourCredits;
    if (rest < 0) return { gpuId: rental.gpuId, at: new Date(from + rounds * MINUTE_MS + phase) };
  }
  throw new Error('a round costs more than what is left of it');
}

function inOrderOfStart(a: RunningRental, b: RunningRental): number {
  return a.startedAt.getTime() - b.startedAt.getTime() || (a.gpuId < b.gpuId ? -1 : 1);
}
