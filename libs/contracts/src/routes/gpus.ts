import { z } from 'zod';
import { rentalStateFilter } from '../messages/rental.ts';
import { cluster, rentBody, rental, rentForecast } from '../rental.ts';
import { run } from '../run.ts';
import { gpuId, instant } from '../shapes.ts';
import { logPage, waitSeconds } from './query.ts';
import { route, seenTheEnd } from './route.ts';

/** A fact on record about a rental. `data` depends on the type. */
export const rentalFact = z.object({
  id: z.string().meta({ description: 'For Last-Event-ID' }), type: z.enum(['RentalRequested', 'RentalStarted', 'RentalEnded', 'RentalHardwareFreed']),
  at: instant, data: z.record(z.string(), z.unknown()),
}).meta({ id: 'RentalFact' });
export type RentalFact = z.infer<typeof rentalFact>;

const gpuParams = z.object({ gpu_id: gpuId });

export const gpuRoutes = {
  listGpus: route('GET /v1/gpus', {
    tag: 'GPUs', auth: 'optional', pending: true, summary: 'The cluster, and with a token your GPUs',
    query: z.strictObject({ state: rentalStateFilter.default('active'), ...logPage }),
    replies: {
      200: cluster.extend({
        my_gpus: z.array(rental).optional(), next_cursor: z.string().nullable().optional(), credits: z.object({ balance: z.int() }).optional(),
      }).meta({ id: 'ClusterAndMine' }),
    },
  }),
  rentGpu: route('POST /v1/gpus', {
    tag: 'GPUs', idempotent: true, summary: 'Rent a GPU with a container image',
    description: 'Charged by the started minute from Ready on. `wait_seconds` waits for Ready. `dry_run` says what would happen.',
    body: rentBody, replies: { 201: rental, 200: rentForecast },
    problems: ['insufficient_credits', 'not_approved', 'no_capacity', 'process_driver_single_user'],
  }),
  getGpu: route('GET /v1/gpus/{gpu_id}', {
    tag: 'GPUs', rentalToken: true, summary: 'A rental and its runs',
    description: '`wait_seconds` waits for a change of phase.',
    params: gpuParams, query: z.strictObject({ wait_seconds: waitSeconds(0) }),
    replies: { 200: rental.extend({ runs: z.array(run) }).meta({ id: 'RentalWithRuns' }) }, problems: ['gpu_not_found'],
  }),
  returnGpu: route('DELETE /v1/gpus/{gpu_id}', {
    tag: 'GPUs', summary: 'Return a GPU', description: 'Charging stops at once. A second return gives the same answer.',
    params: gpuParams, replies: { 200: rental }, problems: ['gpu_not_found'],
  }),
  listGpuEvents: route('GET /v1/gpus/{gpu_id}/events', {
    tag: 'GPUs', summary: 'What happened to a rental, as facts',
    description: 'With `Accept: text/event-stream` as Server-Sent Events, old and new, until the hardware is free; `Last-Event-ID` resumes.',
    params: gpuParams, problems: ['gpu_not_found'],
    replies: { 200: { description: 'By `Accept`', content: ['application/json', 'text/event-stream'], json: z.object({ events: z.array(rentalFact) }).meta({ id: 'RentalHistory' }) }, 204: seenTheEnd },
  }),
};
