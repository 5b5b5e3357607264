/** The questions and orders of the ledger, over the record and what is known of it. */
import { creditsRoundedDown, Problem, type GetBalance, type GrantCredits, type MessageMeta, type ReplyOf } from '@kgpu/contracts';
import type { Projection, ServiceContext } from '@kgpu/runtime';
import type { AccountRecord, Grant } from './account/account-record.ts';
import type { Accounts } from './account/accounts.projection.ts';
import { standingAt, type Standing } from './account/deadlines.ts';
import { pastHolding } from './account/past-holding.ts';

type Balance = ReplyOf<typeof GetBalance>;

export class Ledger {
  constructor(
    private readonly context: ServiceContext,
    private readonly accounts: Accounts,
    private readonly record: AccountRecord,
    private readonly projection: Projection,
  ) {}

  /** Position of the account's last event. */
  open(userId: number, requestId: string): Promise<number> {
    return this.record.open(userId, requestId);
  }

  /** The balance at a business time; null: now. */
  async balance(userId: number, at: Date | null, meta: MessageMeta): Promise<Balance> {
    await this.projection.reached(meta.min_position);
    await this.#mustExist(userId, meta.request_id);
    const now = this.context.clock.now();
    if (at === null) return this.#view(this.accounts.standing(userId, now));
    if (at > now) throw notATime('must not be in the future');
    return this.#view(await this.#pastStanding(userId, at));
  }

  /** A repeat with the same `commandId` grants nothing and answers with the position of the first. */
  async grant(grant: Grant, commandId: string, meta: MessageMeta): Promise<ReplyOf<typeof GrantCredits>> {
    await this.projection.reached(meta.min_position);
    await this.#mustExist(grant.userId, meta.request_id);
    const position = await this.record.grant(grant, `grant:${commandId}`, meta.request_id);
    return { balance: this.#view(this.accounts.standing(grant.userId, this.context.clock.now())), position };
  }

  /** A user whose registration is on record gets the account now, not only when the policy comes to it. */
  async #mustExist(userId: number, requestId: string): Promise<void> {
    if (this.accounts.account(userId).status === 'open') return;
    if (!this.accounts.knows(userId)) throw new Problem('account_not_found');
    await this.record.open(userId, requestId);
  }

  async #pastStanding(userId: number, at: Date): Promise<Standing> {
    const { running } = this.accounts.holding(userId);
    const holding = await pastHolding({ events: this.record.facts(userId), due: this.accounts.dueOf(userId), running }, at);
    if (holding === null) throw notATime('must not be before the account was opened');
    return standingAt(holding, at);
  }

  #view({ units, running, runsOutAt }: Standing): Balance {
    const { KGPU_PRICE_PER_HOUR_CREDITS: prices, KGPU_STARTING_CREDITS } = this.context.config;
    return {
      balance: creditsRoundedDown(units),
      price_per_hour_credits: prices.default,
      starting_credits: KGPU_STARTING_CREDITS,
      burn_per_hour_credits: running.reduce((sum, { pricePerHourCredits }) => sum + pricePerHourCredits, 0),
      runs_out_at: runsOutAt?.toISOString() ?? null,
    };
  }
}

function notATime(message: string): Problem {
  return new Problem('invalid_request', `\`at\` ${message}.`, { errors: [{ pointer: '/query/at', message }] });
}
