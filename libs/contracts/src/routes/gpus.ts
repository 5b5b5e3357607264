import { z } from 'zod';
import { rentalStateFilter } from '../messages/rental.ts';
import { cluster, rentBody, rental, rentForecast } from '../rental.ts';
import { run } from '../run.ts';
import { gpuId } from '../shapes.ts';
import { page, waitSeconds } from './query.ts';
import { route } from './route.ts';

const gpuParams = z.object({ gpu_id: gpuId });

export const gpuRoutes = {
  listGpus: route('GET /v1/gpus', {
    tag: 'GPUs', auth: 'optional', pending: true, summary: 'The cluster, and with a token your GPUs',
    query: z.strictObject({ state: rentalStateFilter.default('active'), ...page }),
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
};
