/** What the ledger answers about one's own account. */
import {
  GetBalance, GetBalanceSeries, GrantCredits, ListEntries, MAX_SERIES_POINTS, OpenAccount, type Asked, type MessageMeta, type ReplyOf,
} from '@kgpu/contracts';
import { Answers } from '@kgpu/runtime';
import { Controller } from '@nestjs/common';
import { settledAt } from './book/account.ts';
import { Ledger, notATime } from './ledger.ts';
import { statementPage } from './statement/statement.ts';
import { pointsOf } from './statement/stretch.ts';

const USUAL_POINTS = 100;

@Controller()
export class AccountController {
  constructor(private readonly ledger: Ledger) {}

  @Answers(OpenAccount)
  async open({ user_id }: Asked<typeof OpenAccount>, meta: MessageMeta): Promise<ReplyOf<typeof OpenAccount>> {
    await this.ledger.upToDate(meta);
    return { position: await this.ledger.record.open(user_id, meta.request_id) };
  }

  @Answers(GetBalance)
  async balance({ user_id, at }: Asked<typeof GetBalance>, meta: MessageMeta): Promise<ReplyOf<typeof GetBalance>> {
    const account = await this.ledger.account(user_id, meta);
    return at === null ? this.ledger.balance(account) : this.ledger.pastBalance(account, at);
  }

  @Answers(GrantCredits)
  async grant(request: Asked<typeof GrantCredits>, meta: MessageMeta): Promise<ReplyOf<typeof GrantCredits>> {
    const { command_id, user_id, credits, note, granted_by } = request;
    const account = await this.ledger.account(user_id, meta);
    const position = await this.ledger.record.grant({ userId: user_id, credits, note, grantedBy: granted_by }, `grant:${command_id}`, meta.request_id);
    return { balance: this.ledger.balance(account), position };
  }

  @Answers(GetBalanceSeries)
  async series({ user_id, from, to, step_seconds }: Asked<typeof GetBalanceSeries>, meta: MessageMeta): Promise<ReplyOf<typeof GetBalanceSeries>> {
    const account = await this.ledger.account(user_id, meta);
    const end = to === null ? this.ledger.now : this.ledger.pastTime('/query/to', to);
    const begin = from === null ? Math.min(account.openedAt!, end) : this.ledger.pastTime('/query/from', from);
    if (begin > end) throw notATime('/query/from', 'must not be after `to`');
    const stepMs = step_seconds === null ? Math.max(1_000, (end - begin) / USUAL_POINTS) : step_seconds * 1_000;
    if (!((end - begin) / stepMs < MAX_SERIES_POINTS)) throw notATime('/query/step', `gives more than ${MAX_SERIES_POINTS} points: ask for a longer step`);
    const history = await this.ledger.histories.latest(user_id, this.ledger.now);
    return { points: pointsOf(history!, begin, end, stepMs) };
  }

  @Answers(ListEntries)
  async entries({ user_id, limit, cursor }: Asked<typeof ListEntries>, meta: MessageMeta): Promise<ReplyOf<typeof ListEntries>> {
    const account = await this.ledger.account(user_id, meta);
    const { context, now } = this.ledger;
    return statementPage(context.store, settledAt(account, now, context.config.KGPU_IDLE_RETURN), now, cursor, limit);
  }
}
