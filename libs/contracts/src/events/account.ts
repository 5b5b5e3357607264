import { z } from 'zod';
import { gpuId, instant, userId } from '../shapes.ts';

/** Streams `account-<user_id>`: facts of money. Amounts are units of 1/60 credit (credits.ts). `at` is business time. */
export const accountEvents = {
  AccountOpened: z.object({ user_id: userId, units: z.int(), at: instant }),
  /** Credits given (`units` > 0) or taken back (`units` < 0) by an admin. */
  CreditsGranted: z.object({ user_id: userId, units: z.int(), note: z.string().nullable(), granted_by: z.string(), at: instant }),
  /** What a rental cost, once, at its end; `caused_by` names the events that it is derived from. */
  RentalCharged: z.object({
    user_id: userId, gpu_id: gpuId, minutes: z.int(), price_per_hour_credits: z.int(), units: z.int(), caused_by: z.array(z.string()),
    started_at: instant, ended_at: instant, at: instant,
  }),
};
