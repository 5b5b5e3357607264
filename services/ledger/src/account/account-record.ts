/** Records what happens to accounts and reads it back: when a call resolves, the projection knows it. */
import { eventCodec, type AccountEvent } from '@kgpu/contracts';
import { CommandHandler } from '@kgpu/event-store';
import type { Projection, ServiceContext } from '@kgpu/runtime';
import { accountDecider, type AccountCommand, type AccountState, type Charge } from './account.ts';
import type { Accounts } from './accounts.projection.ts';

const PAGE_SIZE = 1_000;

export interface Grant {
  userId: number;
  credits: number;
  note: string | null;
  grantedBy: string;
}

export class AccountRecord {
  readonly #commands: CommandHandler<AccountState, AccountCommand, AccountEvent>;

  constructor(
    private readonly context: ServiceContext,
    private readonly accounts: Accounts,
    private readonly projection: Projection,
  ) {
    this.#commands = new CommandHandler(context.store, accountDecider, { codec: eventCodec });
  }

  /** Opens the account with the starting credits; one that is open stays as it is. Position of its last event. */
  open(userId: number, requestId?: string): Promise<number> {
    const command: AccountCommand = { type: 'Open', userId, credits: this.context.config.KGPU_STARTING_CREDITS };
    return this.#record(userId, command, { commitId: `open:${userId}`, requestId });
  }

  /** Position of the grant. Throws `account_not_found`, `balance_too_low`. */
  async grant({ userId, ...grant }: Grant, commitId: string, requestId: string): Promise<number> {
    // A charge that the stream holds already must not be counted as running, too.
    await this.projection.reached((await this.#commands.load(streamOf(userId))).position);
    const runningUnits = this.accounts.unrecordedUnits(userId, this.context.clock.now());
    return this.#record(userId, { type: 'Grant', ...grant, runningUnits }, { commitId, requestId });
  }

  /** Charges a rental once, however often it is called. */
  charge(userId: number, charge: Charge): Promise<number> {
    return this.#record(userId, { type: 'Charge', charge }, { commitId: `charge:${charge.gpuId}`, causedBy: charge.causedBy });
  }

  /** Every fact of an account, in order. */
  async *facts(userId: number): AsyncIterable<AccountEvent> {
    for (let from = 0; ; from += PAGE_SIZE) {
      const page = await this.context.store.read(streamOf(userId), { from, limit: PAGE_SIZE });
      for (const recorded of page) yield eventCodec.decode<AccountEvent>(recorded);
      if (page.length < PAGE_SIZE) return;
    }
  }

  async #record(userId: number, command: AccountCommand, { requestId, ...options }: { commitId: string; requestId?: string | undefined; causedBy?: string[] }): Promise<number> {
    const request = requestId === undefined ? {} : { requestId };
    const { position } = await this.#commands.handle(streamOf(userId), command, { ...options, ...request, now: this.context.clock.now() });
    await this.projection.reached(position);
    return position;
  }
}

function streamOf(userId: number): string {
  return `account-${userId}`;
}
