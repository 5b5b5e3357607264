/** Records what happens to accounts and reads it back: when a call resolves, the book knows it. */
import { eventCodec, Problem, type AccountEvent } from '@kgpu/contracts';
import { CommandHandler } from '@kgpu/event-store';
import type { Projection, ServiceContext } from '@kgpu/runtime';
import { standingAt } from '../book/account.ts';
import type { Book } from '../book/book.ts';
import { accountDecider, type AccountCommand, type AccountState, type Charge, type ReturnDue } from './account.ts';

const TAKE_BACK_TRIES = 20;

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
}

export class AccountRecord {
  readonly #commands: CommandHandler<AccountState, AccountCommand, AccountEvent>;
  /** Take-backs of one account wait for each other: each has to see what the one before has left. */
  readonly #takeBacks = new Map<number, Promise<unknown>>();

  constructor(
    private readonly context: ServiceContext,
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

  /** Position of the grant. Throws `account_not_found`, `balance_too_low`. */
  async grant(grant: Grant, commitId: string, requestId: string): Promise<number> {
    const options = { commitId, requestId };
    if (grant.credits > 0) return this.#record(grant.userId, this.#grantCommand(grant), options);
    const before = this.#takeBacks.get(grant.userId) ?? Promise.resolve();
    const taken = before.then(() => this.#takeBack(grant, options));
    const settled = taken.catch(() => undefined).then(() => {
      if (this.#takeBacks.get(grant.userId) === settled) this.#takeBacks.delete(grant.userId);
    });
    this.#takeBacks.set(grant.userId, settled);
    return taken;
  }

  /** A deadline has passed; `grantedUnits`: what it was worked out from. Nothing is recorded when a grant has moved it. */
  returnDue(userId: number, due: ReturnDue, grantedUnits: number): Promise<number> {
    return this.#record(userId, { type: 'ReturnRental', due, grantedUnits }, { commitId: `due:${due.gpuId}`, causedBy: due.causedBy });
  }

  /** Charges a rental once, however often it is called. */
  charge(userId: number, charge: Charge): Promise<number> {
    return this.#record(userId, { type: 'Charge', charge }, { commitId: `charge:${charge.gpuId}`, causedBy: charge.causedBy });
  }

  /** Worked out from everything that is recorded, and again when something was recorded meanwhile. */
  async #takeBack(grant: Grant, options: RecordOptions): Promise<number> {
    for (let tries = 1; ; tries++) {
      await this.projection.reached(await this.context.store.head());
      try {
        return await this.#record(grant.userId, this.#grantCommand(grant), options);
      } catch (error) {
        if (tries === TAKE_BACK_TRIES || !(error instanceof Problem && error.code === 'conflict')) throw error;
      }
    }
  }

  #grantCommand({ userId, credits, note, grantedBy }: Grant): AccountCommand {
    const account = this.book.accounts.get(userId);
    if (account === undefined) throw new Problem('account_not_found');
    const { units } = standingAt(account, this.context.clock.now().getTime(), this.context.config.KGPU_IDLE_RETURN);
    return { type: 'Grant', credits, note, grantedBy, owed: { units: account.granted - account.charged - units, hash: account.hash } };
  }

  async #record(userId: number, command: AccountCommand, { requestId, ...options }: RecordOptions): Promise<number> {
    const request = requestId === undefined ? {} : { requestId };
    const { position } = await this.#commands.handle(`account-${userId}`, command, { ...options, ...request, now: this.context.clock.now() });
    await this.projection.reached(position);
    return position;
  }
}
