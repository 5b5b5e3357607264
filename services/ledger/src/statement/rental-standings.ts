import { creditsRoundedUp, eventCodec, GetRentalStandings, userOfId, type AccountEvent, type ReplyOf } from '@kgpu/contracts';
import { settledAt, type Account } from '../book/account.ts';
import { isBurning, unitsUntil } from '../book/rental.ts';
import { idleDeadline } from '../deadlines/next-return.ts';
import type { Ledger } from '../ledger.ts';

type Standings = ReplyOf<typeof GetRentalStandings>['standings'];

/** What rentals have cost by now: those that are charged as it is on record, the others as it follows from their facts. */
export async function standingsOf(ledger: Ledger, gpuIds: readonly string[]): Promise<Standings> {
  const { book, context, now } = ledger;
  const settled = new Map<number, Account>();
  const standings: Standings = [];
  for (const gpu_id of gpuIds) {
    const userId = book.rentals.get(gpu_id)?.userId;
    if (userId === undefined) {
      standings.push({ gpu_id, credits_charged: creditsRoundedUp(await chargedUnits(ledger, gpu_id)), idle_warning: false });
      continue;
    }
    const account = settled.get(userId) ?? settledAt(book.accounts.get(userId)!, now, context.config.KGPU_IDLE_RETURN);
    settled.set(userId, account);
    const rental = account.rentals.find(({ gpuId }) => gpuId === gpu_id)!;
    const isIdle = isBurning(rental) && idleDeadline(rental, context.config.KGPU_IDLE_WARNING) <= now;
    standings.push({ gpu_id, credits_charged: creditsRoundedUp(unitsUntil(rental, now)), idle_warning: isIdle });
  }
  return standings;
}

/** 0 for one that never started. */
async function chargedUnits({ context }: Ledger, gpuId: string): Promise<number> {
  const found = await context.store.findCommit(`account-${userOfId(gpuId)}`, `charge:${gpuId}`);
  if (found === null) return 0;
  const { type, data } = eventCodec.decode<AccountEvent>(found.events[0]!);
  return type === 'RentalCharged' ? data.units : 0;
}
