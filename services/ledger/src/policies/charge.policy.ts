/**
 * Gives every user an account and every ended rental its charge. Driven by what the facts say is missing and not by events, so
 * that a crash at any instant is healed by looking again.
 */
import type { AccountRecord } from '../account/account-record.ts';
import type { Charge } from '../account/account.ts';
import type { Account } from '../book/account.ts';
import type { Book } from '../book/book.ts';
import { chargedUntil, minutesUntil, type Rental } from '../book/rental.ts';
import type { WorkQueue } from './work-queue.ts';

export class ChargePolicy {
  constructor(
    private readonly book: Book,
    private readonly record: AccountRecord,
    private readonly queue: WorkQueue,
  ) {}

  /** Begins what the account misses. */
  look(account: Account): void {
    const { userId } = account;
    if (account.openedAt === null) this.queue.add(`open ${userId}`, () => this.#open(account));
    else for (const { gpuId, end } of account.rentals) if (end !== null) this.queue.add(`charge ${gpuId}`, () => this.#charge(userId, gpuId));
  }

  async #open(account: Account): Promise<void> {
    await this.record.open(account.userId);
    // Rentals may have ended before there was an account.
    this.look(account);
  }

  async #charge(userId: number, gpuId: string): Promise<void> {
    const rental = this.book.rentals.get(gpuId);
    if (rental?.end != null) await this.record.charge(userId, chargeOf(rental));
  }
}

/** What a rental that has ended costs. */
export function chargeOf(rental: Rental): Charge {
  const { gpuId, gpuModel, pricePerHourCredits, startedAt, startedId, due, end } = rental;
  const causes = [startedId, ...(due?.eventId == null ? [] : [due.eventId]), ...(end === null ? [] : [end.eventId])];
  return {
    gpuId, gpuModel, pricePerHourCredits, minutes: minutesUntil(rental, Infinity), causedBy: causes,
    startedAt: iso(startedAt), endedAt: iso(end?.at ?? startedAt), chargedUntil: iso(chargedUntil(rental) ?? startedAt),
  };
}

function iso(at: number): string {
  return new Date(at).toISOString();
}
