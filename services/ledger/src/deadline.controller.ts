/** What the ledger answers about rentals: their end and what they cost. */
import { GetDeadlines, GetRentalStandings, Problem, userOfId, type Asked, type MessageMeta, type ReplyOf } from '@kgpu/contracts';
import { Answers } from '@kgpu/runtime';
import { Controller } from '@nestjs/common';
import { isBurning } from './book/rental.ts';
import { deadlinesOfOther, deadlinesOfRunning } from './deadlines/rental-deadlines.ts';
import { Ledger } from './ledger.ts';
import { standingsOf } from './statement/rental-standings.ts';

@Controller()
export class DeadlineController {
  constructor(private readonly ledger: Ledger) {}

  @Answers(GetDeadlines)
  async deadlines({ gpu_id, user_id }: Asked<typeof GetDeadlines>, meta: MessageMeta): Promise<ReplyOf<typeof GetDeadlines>> {
    await this.ledger.upToDate(meta);
    const renter = userOfId(gpu_id);
    if (renter === null || (user_id !== null && user_id !== renter)) throw new Problem('gpu_not_found');
    const { book, context } = this.ledger;
    const rental = book.rentals.get(gpu_id);
    if (rental !== undefined && isBurning(rental)) {
      const idle = { warningMs: context.config.KGPU_IDLE_WARNING, returnMs: context.config.KGPU_IDLE_RETURN };
      return deadlinesOfRunning(book.accounts.get(rental.userId)!, rental, idle);
    }
    const other = await deadlinesOfOther(context.store, gpu_id, renter);
    if (other === null) throw new Problem('gpu_not_found');
    return other;
  }

  @Answers(GetRentalStandings)
  async standings({ gpu_ids }: Asked<typeof GetRentalStandings>, meta: MessageMeta): Promise<ReplyOf<typeof GetRentalStandings>> {
    await this.ledger.upToDate(meta);
    return { standings: await standingsOf(this.ledger, gpu_ids) };
  }
}
