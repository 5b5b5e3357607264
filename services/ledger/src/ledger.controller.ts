/** What the ledger answers on the bus. */
import { Controller } from '@nestjs/common';
import { GetBalance, GrantCredits, OpenAccount, type MessageMeta, type ReplyOf, type RequestOf } from '@kgpu/contracts';
import { Answers } from '@kgpu/runtime';
import { Ledger } from './ledger.ts';

@Controller()
export class LedgerController {
  constructor(private readonly ledger: Ledger) {}

  @Answers(OpenAccount)
  async open({ user_id }: RequestOf<typeof OpenAccount>, meta: MessageMeta): Promise<ReplyOf<typeof OpenAccount>> {
    return { position: await this.ledger.open(user_id, meta.request_id) };
  }

  @Answers(GetBalance)
  balance({ user_id, at }: (typeof GetBalance)['request']['_output'], meta: MessageMeta): Promise<ReplyOf<typeof GetBalance>> {
    return this.ledger.balance(user_id, at === null ? null : new Date(at), meta);
  }

  @Answers(GrantCredits)
  async grant(request: RequestOf<typeof GrantCredits>, meta: MessageMeta): Promise<ReplyOf<typeof GrantCredits>> {
    const { command_id, user_id, credits, note, granted_by } = request;
    return this.ledger.grant({ userId: user_id, credits, note, grantedBy: granted_by }, command_id, meta);
  }
}
