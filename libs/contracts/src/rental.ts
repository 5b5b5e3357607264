import { z } from 'zod';
import { endReason } from './events/rental.ts';
import { displayName, env, gpuId, instant, noNul } from './shapes.ts';

export const phase = z.enum(['Pending', 'Ready', 'Ending', 'Ended', 'Failed']);

/** A rental as its renter sees it. */
export const rental = z.object({
  gpu_id: gpuId,
  name: z.string(),
  image: z.string(),
  phase,
  node: z.string(),
  gpu_model: z.string(),
  created_at: instant,
  ready_at: instant.nullable(),
  ended_at: instant.nullable(),
  expires_at: instant.nullable().meta({ description: 'When the duration ends; null until Ready' }),
  end_reason: endReason.nullable(),
  idle_warning: z.boolean(),
  credits_charged: z.int().nullable().meta({ description: 'Whole credits so far, rounded up; null while the ledger does not answer' }),
  price_per_hour_credits: z.int(),
  message: z.string().nullable(),
}).meta({ id: 'Rental' });
export type Rental = z.infer<typeof rental>;

/** What a renter asks for. `duration_hours` may be a fraction. */
export const rentBody = z.strictObject({
  image: z.string().min(1).max(255).regex(/^[A-Za-z0-9][A-Za-z0-9._\-/:@]*$/, 'must be an image name such as nvcr.io/nvidia/cuda:13.0.0-base-ubuntu24.04'),
  name: displayName.optional(),
  duration_hours: z.number().positive().max(168).default(12),
  env: env.default({}),
  gpu_model: noNul(100).min(1).optional(),
  wait_seconds: z.number().min(0).max(60).default(0),
  dry_run: z.boolean().default(false),
}).meta({ id: 'RentRequest' });

export const rentForecast = z.object({
  would_rent: z.literal(true),
  price_per_hour_credits: z.int(),
  balance: z.int(),
  hours_balance_lasts: z.number().meta({ description: 'With what your other GPUs cost' }),
  free: z.int(),
}).meta({ id: 'RentForecast' });

export const clusterNode = z.object({
  node: z.string(),
  gpu_model: z.string(),
  gpu_busy: z.int(),
  gpu_total: z.int(),
  ready: z.boolean(),
  price_per_hour_credits: z.int(),
}).meta({ id: 'ClusterNode' });

export const cluster = z.object({
  cluster: z.array(clusterNode),
  active_total: z.int(),
  price_per_hour_credits: z.int(),
}).meta({ id: 'Cluster' });
export type Cluster = z.infer<typeof cluster>;
