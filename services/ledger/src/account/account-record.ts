/** Records what happens to accounts and reads it back: when a call resolves, the book knows it. */
import { eventCodec, Problem, type AccountEvent } from '@kgpu/contracts';
import { CommandHandler } from '@kgpu/event-store';
import type { Projection } from '@kgpu/runtime';
import { nextOf, standingAt, type Account } from '../book/account.ts';
import type { Book } from '../book/book.ts';
import { evidenceOf } from '../deadlines/evidence.ts';
import type { NextReturn } from '../deadlines/next-return.ts';
import type { LedgerContext } from '../ledger-context.ts';
import { accountDecider, type AccountCommand, type AccountState, type Charge } from './account.ts';
import { Turns } from './turns.ts';

const GRANT_TRIES = 20;

export interface Grant {
  userId: number;
  credits: number;
  note: string | null;
  grantedBy: string;
}

interface RecordOptions {
  commitId: string;
  requestId?: string | undefined;
  causedBy?: string[];
  now?: Date;
}

export class AccountRecord {
  readonly #commands: CommandHandler<AccountState, AccountCommand, AccountEvent>;
  readonly #grants = new Turns();

  constructor(
    private readonly context: LedgerContext,
    private readonly book: Book,
    private readonly projection: Projection,
  ) {
    this.#commands = new CommandHandler(context.store, accountDecider, { codec: eventCodec });
  }

  /** Opens the account with the starting credits, as of the registration; one that is open stays as it is. Position of its last event. */
  open(userId: number, requestId?: string): Promise<number> {
    const registeredAt = this.book.accounts.get(userId)?.registeredAt ?? null;
    const at = registeredAt === null ? null : new Date(registeredAt);
    return this.#record(userId, { type: 'Open', userId, credits: this.context.config.KGPU_STARTING_CREDITS, at }, { commitId: `open:${userId}`, requestId });
  }

  /**
   * Position of the grant. Deadlines that have come are recorded first: what ran out before a grant has run out. Those of one
   * account take turns, so that each take-back sees what the one before has left.
   * @throws Problem `account_not_found`, `balance_too_low`.
   */
  grant(grant: Grant, commitId: string, requestId: string): Promise<number> {
    return this.#grants.take(grant.userId, () => this.#grantNow(grant, { commitId, requestId }));
  }

  /** Records every return of the account that is due by `until`, each worked out from everything that is recorded. */
  async recordDue(account: Account, until: number): Promise<void> {
    for (;;) {
      await this.#knowAll();
      const next = nextOf(account, this.#idleReturnMs);
      if (next === null || next.at > until) return;
      await this.#recordReturn(account, next);
    }
  }

  /** Charges a rental once, however often it is called. */
  charge(userId: number, charge: Charge): Promise<number> {
    return this.#record(userId, { type: 'Charge', charge }, { commitId: `charge:${charge.gpuId}`, causedBy: charge.causedBy });
  }

  /** Nothing is recorded when a grant has moved the deadline meanwhile. */
  async #recordReturn(account: Account, { rental, reason, at }: NextReturn): Promise<void> {
    const { why, caused_by: causedBy } = evidenceOf(reason, account, rental, at);
    const due = { gpuId: rental.gpuId, reason, dueAt: new Date(at).toISOString(), why, causedBy };
    await this.#record(account.userId, { type: 'ReturnRental', due, grantedUnits: account.granted }, { commitId: `due:${rental.gpuId}`, causedBy });
  }

  /** Worked out again when something was recorded meanwhile. */
  async #grantNow(grant: Grant, options: RecordOptions): Promise<number> {
    for (let tries = 1; ; tries++) {
      await this.#knowAll();
      const account = this.book.accounts.get(grant.userId);
      if (account === undefined) throw new Problem('account_not_found');
      // Never before what is on record: it would be stamped with that time.
      const now = new Date(Math.max(this.context.clock.now().getTime(), account.asOf));
      await this.recordDue(account, now.getTime());
      try {
        return await this.#record(grant.userId, this.#grantCommand(grant, account, now), { ...options, now });
      } catch (error) {
        if (tries === GRANT_TRIES || !(error instanceof Problem && error.code === 'conflict')) throw error;
      }
    }
  }

  #grantCommand({ credits, note, grantedBy }: Grant, account: Account, now: Date): AccountCommand {
    const { units } = standingAt(account, now.getTime(), this.#idleReturnMs);
    // Time has gone on while returns were recorded: what was due by then is not on record yet.
    const afterFacts = account.asOf > now.getTime() ? -1 : account.facts;
    return { type: 'Grant', credits, note, grantedBy, owedUnits: account.granted - account.charged - units, afterFacts };
  }

  get #idleReturnMs(): number {
    return this.context.config.KGPU_IDLE_RETURN;
  }

  async #knowAll(): Promise<void> {
    await this.projection.reached(await this.context.store.head());
  }

  async #record(userId: number, command: AccountCommand, { requestId, now = this.context.clock.now(), ...options }: RecordOptions): Promise<number> {
    const request = requestId === undefined ? {} : { requestId };
    const { position } = await this.#commands.handle(`account-${userId}`, command, { ...options, ...request, now });
    await this.projection.reached(position);
    return position;
  }
}
