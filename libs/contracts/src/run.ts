import { z } from 'zod';
import { runReason } from './events/run.ts';
import { displayName, env, gpuId, instant, noNul, runId } from './shapes.ts';

export const runPhase = z.enum(['Running', 'Succeeded', 'Failed']);

/** A run as its owner sees it. `stdout` and `stderr` are the last 64 KiB; all of it is under `/logs`. */
export const run = z.object({
  run_id: runId,
  gpu_id: gpuId,
  name: z.string().nullable(),
  command: z.array(z.string()),
  phase: runPhase,
  exit_code: z.int().nullable(),
  signal: z.string().nullable(),
  reason: runReason.nullable(),
  message: z.string().nullable(),
  stdout: z.string(),
  stderr: z.string(),
  stdout_bytes: z.int(),
  stderr_bytes: z.int(),
  output_truncated: z.boolean(),
  started_at: instant.nullable(),
  completed_at: instant.nullable(),
  elapsed_seconds: z.number(),
  pid: z.int().nullable(),
}).meta({ id: 'Run' });
export type Run = z.infer<typeof run>;

const argument = noNul(131_072);

/** A request is one event, which holds at most 1 MiB of JSON: what is escaped in JSON takes more than its bytes. */
const longestOrder = 1_000_000;
const orderBytes = ({ command, env: variables, cwd }: { command: string[]; env: Record<string, string>; cwd?: string | undefined }) =>
  Buffer.byteLength(JSON.stringify({ command, variables, cwd }));

export const startRunBody = z.strictObject({
  gpu_id: gpuId,
  command: z.array(argument).min(1).max(1_000).refine((argv) => argv[0] !== '', 'the program must have a name'),
  name: displayName.optional(),
  env: env.default({}),
  cwd: noNul(4_096).min(1).optional(),
  timeout_seconds: z.number().positive().max(168 * 3_600).optional(),
  wait_seconds: z.number().min(0).max(60).default(10),
}).refine((body) => orderBytes(body) <= longestOrder, { path: ['command'], message: 'command, env and cwd: at most 1,000,000 bytes of JSON in all' }).meta({ id: 'StartRunRequest' });
