/** What the ledger answers to admins: accounts at any instant, facts, replays, audit, usage. */
import {
  AuditLedger, CancelReplay, GetAccount, GetUsage, ListAccounts, ListLedgerEvents, Problem, ReadReplay, StartReplay,
  type Asked, type AuditReport, type LedgerAccount, type MessageMeta, type ReplyOf,
} from '@kgpu/contracts';
import { Answers } from '@kgpu/runtime';
import { Controller } from '@nestjs/common';
import { audit, claimOf, noClaim } from './audit/audit.ts';
import type { Account } from './book/account.ts';
import { Ledger, notATime } from './ledger.ts';
import { listFacts } from './replay/facts.ts';
import { replay } from './replay/replay.ts';
import { Replays } from './replay/replays.ts';
import { accountAt } from './statement/account-at.ts';
import { openStretches } from './statement/histories.ts';
import { usage } from './usage/usage.ts';

@Controller()
export class AdminController {
  #auditing: Promise<AuditReport> | null = null;

  constructor(
    private readonly ledger: Ledger,
    private readonly replays: Replays,
  ) {}

  @Answers(ListAccounts)
  async accounts({ at, as_of_position, limit, cursor }: Asked<typeof ListAccounts>, meta: MessageMeta): Promise<ReplyOf<typeof ListAccounts>> {
    await this.ledger.upToDate(meta);
    const instant = this.#instant(at);
    const after = afterUser(cursor);
    const accounts: LedgerAccount[] = [];
    for (const account of this.#openedAt(instant, as_of_position, after)) {
      if (accounts.length === limit) return { accounts, next_cursor: String(accounts.at(-1)!.user_id) };
      const view = await accountAt(this.ledger, account, { at: at === null ? null : instant, position: as_of_position });
      if (view !== null) accounts.push(view);
    }
    return { accounts, next_cursor: null };
  }

  @Answers(GetAccount)
  async account({ user_id, at, as_of_position }: Asked<typeof GetAccount>, meta: MessageMeta): Promise<ReplyOf<typeof GetAccount>> {
    const account = await this.ledger.account(user_id, meta);
    const view = await accountAt(this.ledger, account, { at: at === null ? null : this.#instant(at), position: as_of_position });
    if (view === null) throw new Problem('account_not_found', 'There was no such account then.');
    return view;
  }

  @Answers(ListLedgerEvents)
  async events({ after, user_id, type, limit }: Asked<typeof ListLedgerEvents>): Promise<ReplyOf<typeof ListLedgerEvents>> {
    return listFacts(this.ledger.context.store, { after, userId: user_id, type, limit });
  }

  @Answers(StartReplay)
  async startReplay(body: Asked<typeof StartReplay>, meta: MessageMeta): Promise<ReplyOf<typeof StartReplay>> {
    await this.ledger.upToDate(meta);
    const { context, book, now } = this.ledger;
    if (body.user_id !== undefined && !book.accounts.has(body.user_id)) throw new Problem('account_not_found');
    const until = body.until === undefined ? now : this.ledger.pastTime('/body/until', body.until);
    const [first] = await context.store.readAll({ categories: ['directory', 'account'], limit: 1 });
    if (body.until !== undefined && (first === undefined || body.until < (first.data as { at: string }).at)) {
      throw notATime('/body/until', 'must not be before the first fact');
    }
    const order = { body, until, idleReturnMs: context.config.KGPU_IDLE_RETURN };
    return { replay_id: this.replays.start((signal) => replay(context.store, order, signal)) };
  }

  @Answers(ReadReplay)
  readReplay({ replay_id }: Asked<typeof ReadReplay>): Promise<ReplyOf<typeof ReadReplay>> {
    return this.replays.read(replay_id);
  }

  @Answers(CancelReplay)
  async cancelReplay({ replay_id }: Asked<typeof CancelReplay>): Promise<ReplyOf<typeof CancelReplay>> {
    return { cancelled: this.replays.cancel(replay_id) };
  }

  /** Also of a ledger that stands still: what is recorded can be checked all the same. Those who ask meanwhile get the same report. */
  @Answers(AuditLedger)
  audit(): Promise<AuditReport> {
    this.#auditing ??= this.#audit().finally(() => (this.#auditing = null));
    return this.#auditing;
  }

  @Answers(GetUsage)
  async usage({ from, to, group_by }: Asked<typeof GetUsage>, meta: MessageMeta): Promise<ReplyOf<typeof GetUsage>> {
    await this.ledger.upToDate(meta);
    const { book, context, now } = this.ledger;
    const window = { from: Date.parse(from), to: Date.parse(to), groupBy: group_by };
    if (window.from >= window.to) throw notATime('/query/to', 'must be after `from`');
    const open = [...book.accounts.values()].flatMap((account) => openStretches(account, now, context.config.KGPU_IDLE_RETURN, now));
    return usage(context.store, open, window);
  }

  async #audit(): Promise<AuditReport> {
    const { context, book, projection } = this.ledger;
    const head = await context.store.head();
    if (projection.halted !== null) return audit(context.store, noClaim(head), projection.halted);
    await projection.reached(head);
    return audit(context.store, claimOf(book, projection.position));
  }

  #instant(at: string | null): number {
    return at === null ? this.ledger.now : this.ledger.pastTime('/query/at', at);
  }

  /** Accounts that existed then, by user id. */
  #openedAt(instant: number, position: number | null, after: number): Account[] {
    return [...this.ledger.book.accounts.values()]
      .filter(({ userId, openedAt, openedPosition }) => userId > after && openedAt !== null && openedAt <= instant && openedPosition <= (position ?? Infinity))
      .sort((a, b) => a.userId - b.userId);
  }
}

function afterUser(cursor: string | null): number {
  if (cursor === null) return 0;
  if (/^\d{1,10}$/.test(cursor)) return Number(cursor);
  throw notATime('/query/cursor', 'must be next_cursor of the page before');
}
