/** What all answers of the ledger share: everything that was recorded is known, the account exists, times make sense. */
import { creditsRoundedDown, Problem, UNITS_PER_CREDIT, type Balance, type MessageMeta } from '@kgpu/contracts';
import type { Projection } from '@kgpu/runtime';
import type { AccountRecord } from './account/account-record.ts';
import { standingAt, type Account } from './book/account.ts';
import type { Book } from './book/book.ts';
import type { LedgerContext } from './ledger-context.ts';
import { outOfCredits } from './deadlines/out-of-credits.ts';
import type { Histories } from './statement/histories.ts';
import { balanceAt, burnOf, unitsAt } from './statement/stretch.ts';

export class Ledger {
  constructor(
    readonly context: LedgerContext,
    readonly book: Book,
    readonly record: AccountRecord,
    readonly projection: Projection,
    readonly histories: Histories,
  ) {}

  get now(): number {
    return this.context.clock.now().getTime();
  }

  /** Waits until what the asker has written is known. A ledger that stands still says nothing about money. */
  async upToDate(meta: MessageMeta): Promise<void> {
    const { halted } = this.projection;
    if (halted !== null) throw new Problem('service_unavailable', `The ledger stands still: ${halted.message}`, { retry_after_seconds: 60 }, { cause: halted });
    await this.projection.reached(meta.min_position);
  }

  /** The account; a user whose registration is on record gets one now, not only when the policy comes to it. */
  async account(userId: number, meta: MessageMeta): Promise<Account> {
    await this.upToDate(meta);
    const account = this.book.accounts.get(userId);
    if (account === undefined) throw new Problem('account_not_found');
    if (account.openedAt === null) await this.record.open(userId, meta.request_id);
    return account;
  }

  balance(account: Account): Balance {
    const { units, burnPerHour, runsOutAt } = standingAt(account, this.now, this.context.config.KGPU_IDLE_RETURN);
    return this.#view(account.startingUnits, units, burnPerHour, runsOutAt);
  }

  /** The balance at a time in the past. Throws `invalid_request` for one in the future, or before there was an account. */
  async pastBalance({ userId }: Account, at: string): Promise<Balance> {
    const then = this.pastTime('/query/at', at);
    const history = (await this.histories.latest(userId, this.now))!;
    if (then < history.openedAt) throw notATime('/query/at', 'must not be before the account was opened');
    const { grantedUnits, chargedUnits, running } = balanceAt(history, then);
    const payable = grantedUnits - chargedUnits + running.reduce((sum, stretch) => sum + unitsAt(stretch, then), 0);
    return this.#view(history.startingUnits, grantedUnits - chargedUnits, burnOf(running), outOfCredits(payable, running.map((stretch) => ({ ...stretch, minutes: Infinity })))?.at ?? null);
  }

  /** Throws `invalid_request` unless the time has passed. */
  pastTime(pointer: string, at: string): number {
    const then = Date.parse(at);
    if (!(then <= this.now)) throw notATime(pointer, 'must not be in the future');
    return then;
  }

  #view(startingUnits: number, units: number, burnPerHour: number, runsOutAt: number | null): Balance {
    return {
      balance: creditsRoundedDown(units),
      price_per_hour_credits: this.context.config.KGPU_PRICE_PER_HOUR_CREDITS.default,
      starting_credits: startingUnits / UNITS_PER_CREDIT,
      burn_per_hour_credits: burnPerHour,
      runs_out_at: runsOutAt === null ? null : new Date(runsOutAt).toISOString(),
    };
  }
}

export function notATime(pointer: string, message: string): Problem {
  return new Problem('invalid_request', `${pointer}: ${message}`, { errors: [{ pointer, message }] });
}
