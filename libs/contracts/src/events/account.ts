import { z } from 'zod';
import { gpuId, instant, userId } from '../shapes.ts';

/**
 * Each fact of an account holds the hash of the one before it (`''` for the first) and its own (`chainHash`), so that a
 * fact that is changed, left out, doubled or moved later does not go unnoticed.
 */
const link = { prev_hash: z.string(), hash: z.string() };

/** Why the ledger returns a GPU by itself. */
export const autoReturnReason = z.enum(['auto_idle', 'duration_expired', 'out_of_credits']);
export type AutoReturnReason = z.infer<typeof autoReturnReason>;

/** Streams `account-<user_id>`: facts of money. Amounts are units of 1/60 credit (credits.ts). `at` is business time. */
export const accountEvents = {
  AccountOpened: z.object({ user_id: userId, units: z.int(), at: instant, ...link }),
  /** Credits given (`units` > 0) or taken back (`units` < 0) by an admin. */
  CreditsGranted: z.object({ user_id: userId, units: z.int(), note: z.string().nullable(), granted_by: z.string(), at: instant, ...link }),
  /** A deadline has passed: the GPU is to be returned, and is charged no longer than `due_at`. `caused_by` names the events that say so. */
  RentalReturnDue: z.object({
    user_id: userId, gpu_id: gpuId, reason: autoReturnReason, due_at: instant, why: z.string(), caused_by: z.array(z.string()), at: instant, ...link,
  }),
  /**
   * What a rental cost, once, after its end: `units` = `minutes` × price. `charged_until` is its end, or the deadline that had
   * passed before. `waived_minutes` could not be paid and are not charged: 0 unless a take-back met the minute that it took.
   */
  RentalCharged: z.object({
    user_id: userId, gpu_id: gpuId, gpu_model: z.string(), minutes: z.int(), waived_minutes: z.int(), price_per_hour_credits: z.int(), units: z.int(),
    started_at: instant, ended_at: instant, charged_until: instant, caused_by: z.array(z.string()), at: instant, ...link,
  }),
};
