/** What the ledger answers about the end of rentals. */
import { GetDeadlines, GetIdleWarnings, Problem, userOfId, type Asked, type MessageMeta, type ReplyOf } from '@kgpu/contracts';
import { Answers } from '@kgpu/runtime';
import { Controller } from '@nestjs/common';
import { isBurning } from './book/rental.ts';
import { idleDeadline } from './deadlines/next-return.ts';
import { deadlinesOfOther, deadlinesOfRunning } from './deadlines/rental-deadlines.ts';
import { Ledger } from './ledger.ts';

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

  @Answers(GetIdleWarnings)
  async idleWarnings({ gpu_ids }: Asked<typeof GetIdleWarnings>, meta: MessageMeta): Promise<ReplyOf<typeof GetIdleWarnings>> {
    await this.ledger.upToDate(meta);
    const { now, book, context } = this.ledger;
    return {
      gpu_ids: gpu_ids.filter((gpuId) => {
        const rental = book.rentals.get(gpuId);
        return rental !== undefined && isBurning(rental) && idleDeadline(rental, context.config.KGPU_IDLE_WARNING) <= now;
      }),
    };
  }
}
