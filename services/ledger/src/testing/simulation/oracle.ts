/**
 * What must come out, told minute by minute from what people did: an independent reading of the rules that shares no code with
 * the ledger. A minute that begins at `b` is paid when time goes beyond `b`, the first one at the start.
 */
const MINUTE_MS = 60_000;

export interface OracleRental {
  gpuId: string;
  startedAt: number;
  price: number;
  /** Nothing begins from here on; `why` where it is an automatic return. */
  stop: { at: number; why: string | null };
}

export interface OracleGrant {
  at: number;
  units: number;
}

/** One paid minute. */
interface Tick {
  gpuId: string;
  at: number;
  units: number;
  isFirst: boolean;
}

export class OracleAccount {
  readonly grants: OracleGrant[] = [];
  granted = 0;
  paid = 0;
  readonly ticks: Tick[] = [];
  /** Rentals whose next minute could not be paid, and when. */
  readonly exhausted = new Map<string, number>();
  readonly #next: { rental: OracleRental; at: number }[];

  constructor(readonly rentals: readonly OracleRental[]) {
    this.#next = [...rentals].sort((a, b) => a.startedAt - b.startedAt || (a.gpuId < b.gpuId ? -1 : 1)).map((rental) => ({ rental, at: rental.startedAt }));
  }

  /** Time goes on to `at`: minutes that began before are paid; one that begins now and can't be is refused now. */
  reach(at: number): void {
    this.approach(at);
    let left = this.granted - this.paid;
    for (const next of this.#next.filter((each) => each.at === at && beginsAt(each))) {
      left -= next.rental.price;
      if (left >= 0) continue;
      this.#refuse(next);
      left += next.rental.price;
    }
  }

  /** Minutes that began before `at` are paid or refused. */
  approach(at: number): void {
    for (let next = this.#first(); next !== undefined && next.at < at; next = this.#first()) this.#begin(next);
  }

  /** A grant, or a take-back that leaves what has been paid for. Whether it goes through. */
  grant(at: number, units: number): boolean {
    this.reach(at);
    if (units < 0 && this.granted - this.balanceOfTicks(at) + units < 0) return false;
    this.put(at, units);
    return true;
  }

  /** What was granted or taken back by a recorded decision. */
  put(at: number, units: number): void {
    this.grants.push({ at, units });
    this.granted += units;
  }

  balanceAt(at: number): number {
    return this.grants.reduce((sum, grant) => (grant.at <= at ? sum + grant.units : sum), 0) - this.balanceOfTicks(at);
  }

  minutesOf(gpuId: string): number {
    return this.ticks.filter((tick) => tick.gpuId === gpuId).length;
  }

  stopOf(rental: OracleRental): { at: number; why: string | null } {
    const exhaustedAt = this.exhausted.get(rental.gpuId);
    return exhaustedAt === undefined ? rental.stop : { at: exhaustedAt, why: 'out_of_credits' };
  }

  private balanceOfTicks(at: number): number {
    return this.ticks.reduce((sum, tick) => (tick.at < at || (tick.at === at && tick.isFirst) ? sum + tick.units : sum), 0);
  }

  #first() {
    let first: { rental: OracleRental; at: number } | undefined;
    for (const next of this.#next) if (beginsAt(next) && (first === undefined || next.at < first.at)) first = next;
    return first;
  }

  #begin(next: { rental: OracleRental; at: number }): void {
    const { gpuId, price } = next.rental;
    if (this.granted - this.paid < price) {
      this.#refuse(next);
      return;
    }
    this.ticks.push({ gpuId, at: next.at, units: price, isFirst: next.at === next.rental.startedAt });
    this.paid += price;
    next.at += MINUTE_MS;
  }

  #refuse(next: { rental: OracleRental; at: number }): void {
    this.exhausted.set(next.rental.gpuId, next.at);
    next.at = Infinity;
  }
}

/** The first minute is begun by the start itself. */
function beginsAt({ rental, at }: { rental: OracleRental; at: number }): boolean {
  return at < rental.stop.at || (at === rental.startedAt && at < Infinity);
}
