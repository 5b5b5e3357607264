/**
 * Gives every user an account, every passed deadline its record and every ended rental its charge. Driven by what the facts say is
 * missing and not by events, so that a crash at any instant is healed by looking again.
 */
import type { Clock } from '@kgpu/runtime';
import type { AccountRecord } from '../account/account-record.ts';
import { chargeOf } from '../account/charge-of.ts';
import { nextOf, type Account } from '../book/account.ts';
import type { Rental } from '../book/rental.ts';
import type { WorkQueue } from './work-queue.ts';

export class SettlementPolicy {
  constructor(
    private readonly clock: Clock,
    private readonly idleReturnMs: number,
    private readonly record: AccountRecord,
    private readonly queue: WorkQueue,
  ) {}

  /** Begins what the account misses. */
  look(account: Account): void {
    if (this.#misses(account)) this.queue.add(`account ${account.userId}`, () => this.#settle(account));
  }

  #misses(account: Account): boolean {
    if (account.openedAt === null || account.rentals.some(({ end }) => end !== null)) return true;
    const next = nextOf(account, this.idleReturnMs);
    return next !== null && next.at <= this.#now;
  }

  async #settle(account: Account): Promise<void> {
    if (account.openedAt === null) await this.record.open(account.userId);
    do {
      // Deadlines first: a rental that has ended costs nothing after the one that it had met.
      await this.record.recordDue(account, this.#now);
      const ended = account.rentals.filter(({ end }) => end !== null);
      for (const rental of ended) await this.#charge(account, rental);
    } while (this.#misses(account));
  }

  /** Its end may be later than what was looked at before, or than what this clock says when another process has written it. */
  async #charge(account: Account, rental: Rental): Promise<void> {
    const endedAt = rental.end!.at;
    const next = nextOf(account, this.idleReturnMs);
    if (next !== null && next.at <= endedAt) await this.record.recordDue(account, endedAt);
    await this.record.charge(rental.userId, chargeOf(rental));
  }

  get #now(): number {
    return this.clock.now().getTime();
  }
}
