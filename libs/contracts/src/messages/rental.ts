import { z } from 'zod';
import { endReason } from '../events/rental.ts';
import { cluster, rental, rentForecast } from '../rental.ts';
import { env, gpuId, instant, userId } from '../shapes.ts';
import { define } from './message.ts';

const position = z.int();
const commandId = z.string().max(100);
/** Whose rental it must be; null means anybody's (an admin or another service asks). */
const owner = userId.nullable();
/** A rental as the rental service knows it: with its owner, without what the ledger says of it. */
export const ownedRental = rental.omit({ credits_charged: true, idle_warning: true }).extend({ user_id: userId });
export type OwnedRental = z.infer<typeof ownedRental>;
const page = { limit: z.int().min(1).max(500).default(50), cursor: z.string().max(200).nullable().default(null) };

const rentTerms = { user_id: userId, gpu_model: z.string().nullable(), duration_seconds: z.number().positive() };

export const RentGpu = define('rental', 'command', 'RentGpu',
  z.object({ command_id: commandId, gpu_id: gpuId, ...rentTerms, image: z.string(), name: z.string().nullable(), env, wait_seconds: z.number() }),
  z.object({ rental: ownedRental, position }));

/** What `RentGpu` would do now; the problem that it would meet comes as that problem. */
export const ForecastRent = define('rental', 'query', 'ForecastRent', z.object(rentTerms), rentForecast);

/** Ends a rental; one that has ended already is answered as it is. `at` is when charging stops (null: now), never after now. */
export const EndRental = define('rental', 'command', 'EndRental',
  z.object({ command_id: commandId, gpu_id: gpuId, user_id: owner, reason: endReason, at: instant.nullable(), message: z.string().nullable() }),
  z.object({ rental: ownedRental, position }));

/** With `wait_seconds` it waits until the phase is another than `known_phase` (default: than it is now). */
export const GetRental = define('rental', 'query', 'GetRental',
  z.object({ gpu_id: gpuId, user_id: owner, wait_seconds: z.number().default(0) }), z.object({ rental: ownedRental }));

export const rentalStateFilter = z.enum(['active', 'ended', 'all']);
/** Newest first. */
export const ListRentals = define('rental', 'query', 'ListRentals',
  z.object({ user_id: owner, state: rentalStateFilter, ...page }),
  z.object({ rentals: z.array(ownedRental), next_cursor: z.string().nullable() }));

export const GetCluster = define('rental', 'query', 'GetCluster', z.object({}), cluster);
