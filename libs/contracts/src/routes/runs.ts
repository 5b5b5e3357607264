import { z } from 'zod';
import { run, runPhase, startRunBody } from '../run.ts';
import { gpuId, runId } from '../shapes.ts';
import { logPage, waitSeconds } from './query.ts';
import { route, seenTheEnd } from './route.ts';

const runParams = z.object({ run_id: runId });
/** Only a hint of the seed's clients: a run is found by its own id. */
const gpuHint = { gpu_id: gpuId.optional().meta({ description: 'Optional hint, not needed' }) };

export const runRoutes = {
  startRun: route('POST /v1/runs', {
    tag: 'Runs', rentalToken: true, idempotent: true, summary: 'Run a command in a rented GPU',
    description: 'Answers with the finished run if it ends within `wait_seconds` (default 10), else with `phase: "Running"`.',
    body: startRunBody, replies: { 201: run }, problems: ['gpu_not_found', 'gpu_not_ready'],
  }),
  listRuns: route('GET /v1/runs', {
    tag: 'Runs', rentalToken: true, summary: 'Your runs on all your GPUs, past ones included',
    query: z.strictObject({ gpu_id: gpuId.optional(), phase: runPhase.optional(), ...logPage }),
    replies: { 200: z.object({ runs: z.array(run), next_cursor: z.string().nullable() }).meta({ id: 'RunPage' }) },
  }),
  getRun: route('GET /v1/runs/{run_id}', {
    tag: 'Runs', rentalToken: true, summary: 'A run and the end of its output',
    params: runParams, query: z.strictObject({ ...gpuHint, wait_seconds: waitSeconds(0) }), replies: { 200: run }, problems: ['run_not_found'],
  }),
  stopRun: route('DELETE /v1/runs/{run_id}', {
    tag: 'Runs', rentalToken: true, summary: 'Stop a run', description: 'SIGTERM to its process group, SIGKILL after a grace. Ended already: the same answer.',
    params: runParams, query: z.strictObject(gpuHint), replies: { 200: run }, problems: ['run_not_found'],
  }),
  getLogs: route('GET /v1/runs/{run_id}/logs', {
    tag: 'Runs', rentalToken: true, summary: 'The raw bytes that a run wrote',
    description: 'Also after the GPU has been returned. `follow=1` goes on until the run ends; one `Range` is understood, also with `follow=1`. ' +
      'Where the oldest bytes were dropped (`output_truncated`), the others keep their places: `Content-Range` says where those begin that are sent.',
    params: runParams, problems: ['run_not_found', 'range_not_satisfiable'],
    query: z.strictObject({
      ...gpuHint,
      stream: z.enum(['stdout', 'stderr', 'both']).default('both').meta({ description: '`both`: in the order of the record' }),
      follow: z.enum(['0', '1', 'false', 'true']).transform((text) => text === '1' || text === 'true').prefault('0').meta({ description: '1: goes on until the run ends' }),
    }),
    replies: { 200: { description: 'All bytes', content: ['application/octet-stream'] }, 206: { description: 'The range', content: ['application/octet-stream'] } },
  }),
  followRun: route('GET /v1/runs/{run_id}/events', {
    tag: 'Runs', rentalToken: true, summary: 'A run as Server-Sent Events: started, output, ended',
    description: 'Old and new ones. `Last-Event-ID` resumes without loss or repetition, also after the return of the GPU. `text` never holds half a character.',
    params: runParams, query: z.strictObject(gpuHint), problems: ['run_not_found'],
    replies: {
      200: { description: '`output` has `{stream, offset, text}`', content: ['text/event-stream'] },
      204: seenTheEnd,
    },
  }),
};
