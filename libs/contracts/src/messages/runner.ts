import { z } from 'zod';
import { run, runPhase } from '../run.ts';
import { env, gpuId, runId, userId } from '../shapes.ts';
import { define } from './message.ts';

const position = z.int();
const commandId = z.string().max(100);

/** Starts a run and waits up to `wait_seconds` for its end. */
export const StartRun = define('runner', 'command', 'StartRun',
  z.object({
    command_id: commandId, run_id: runId, gpu_id: gpuId, user_id: userId, command: z.array(z.string()), name: z.string().nullable(),
    env, cwd: z.string().nullable(), timeout_seconds: z.number().nullable(), wait_seconds: z.number(),
  }),
  z.object({ run, position }));

/** SIGTERM to the run's process group, SIGKILL after the grace; a run that has ended is answered as it is. */
export const StopRun = define('runner', 'command', 'StopRun',
  z.object({ command_id: commandId, run_id: runId, user_id: userId }), z.object({ run, position }));

export const GetRun = define('runner', 'query', 'GetRun',
  z.object({ run_id: runId, user_id: userId, wait_seconds: z.number().default(0) }), z.object({ run }));

/** Newest first, over all GPUs of the user; `stdout` and `stderr` are left empty where `with_output` is false. */
export const ListRuns = define('runner', 'query', 'ListRuns',
  z.object({
    user_id: userId, gpu_id: gpuId.nullable(), phase: runPhase.nullable(), with_output: z.boolean().default(true),
    limit: z.int().min(1).max(500).default(50), cursor: z.string().max(200).nullable().default(null),
  }),
  z.object({ runs: z.array(run), next_cursor: z.string().nullable() }));

/** Ends every active run of a GPU whose rental has ended, records what is left of their output, answers when all have ended. */
export const EndRunsOfGpu = define('runner', 'command', 'EndRunsOfGpu',
  z.object({ command_id: commandId, gpu_id: gpuId }), z.object({ ended: z.int() }));
