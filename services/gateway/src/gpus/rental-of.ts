import { EndRental, Problem, type EndReason, type Rental } from '@kgpu/contracts';
import type { Given } from '../http/given.ts';
import type { Parts } from '../http/parts.ts';
import type { Caller } from '../identity/caller.ts';
import { withStanding, type RentalOfUser } from './standings.ts';

/** A rental as its renter sees it. */
export function withoutOwner({ user_id: _owner, ...rental }: RentalOfUser): Rental {
  return rental;
}

/** What runs in a rental knows no other rental. */
export function checkOwnGpu(caller: Caller, gpuId: string): void {
  if (caller.kind === 'rental' && caller.gpuId !== gpuId) throw new Problem('gpu_not_found');
}

/** Ends a rental now; `userId` null ends anybody's. */
export async function endRental(parts: Parts, given: Given, end: { gpuId: string; userId: number | null; reason: EndReason }): Promise<RentalOfUser> {
  const { rental } = await parts.ask(EndRental, {
    command_id: given.command.id, gpu_id: end.gpuId, user_id: end.userId, reason: end.reason, at: null, message: null,
  }, given);
  return withStanding(parts, given, rental);
}
