import { z } from 'zod';
import { gpuId, instant, userId } from '../shapes.ts';

/** Why a rental ended; the closed list of API.md. */
export const endReason = z.enum([
  'returned', 'auto_idle', 'duration_expired', 'out_of_credits', 'evicted', 'lost', 'start_failed', 'user_suspended', 'admin_returned',
]);
export type EndReason = z.infer<typeof endReason>;

/** Streams `rental-<gpu_id>`: the life of a rental. `at` is business time. */
export const rentalEvents = {
  /** The renter was accepted; price, node and token are fixed. The container is made after this. */
  RentalRequested: z.object({
    gpu_id: gpuId, user_id: userId, name: z.string(), image: z.string(), env: z.record(z.string(), z.string()),
    node: z.string(), gpu_model: z.string(), price_per_hour_credits: z.int(), duration_seconds: z.number(),
    /** Hash of the token that the container gets (libs/contracts ids.ts). */
    token_hash: z.string(), at: instant,
  }),
  /** The container runs and takes commands: charging begins. */
  RentalStarted: z.object({ gpu_id: gpuId, user_id: userId, price_per_hour_credits: z.int(), expires_at: instant, warning: z.string().nullable(), at: instant }),
  /** Charging stops here. The container may still be there. */
  RentalEnded: z.object({ gpu_id: gpuId, user_id: userId, reason: endReason, message: z.string().nullable(), at: instant }),
  /** The container is gone and the hardware counts as free. */
  RentalHardwareFreed: z.object({ gpu_id: gpuId, at: instant }),
};

/** Streams `node-<name>`: who holds the slots of a node, so that two rents can't take the last one. */
export const nodeEvents = {
  SlotTaken: z.object({ node: z.string(), gpu_id: gpuId, at: instant }),
  SlotFreed: z.object({ node: z.string(), gpu_id: gpuId, at: instant }),
};
