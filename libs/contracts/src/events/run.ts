import { z } from 'zod';
import { gpuId, instant, runId, userId } from '../shapes.ts';
import type { Contents } from './versioned-codec.ts';

/** Why a run failed where the exit code alone does not say it. */
export const runReason = z.enum(['timeout', 'gpu_returned', 'stopped', 'lost', 'out_of_memory', 'image_without_shell', 'start_failed']);
export type RunReason = z.infer<typeof runReason>;

/** Streams `run-<run_id>`: the life of a run. `at` is business time. */
export const runEvents = {
  /** Version 2 says which replica of the runner took it, and looks after it while it lives. */
  RunRequested: z.object({
    run_id: runId, gpu_id: gpuId, user_id: userId, name: z.string().nullable(), command: z.array(z.string()), env: z.record(z.string(), z.string()),
    cwd: z.string().nullable(), timeout_seconds: z.number().nullable(), runner: z.string().nullable(), at: instant,
  }),
  RunStarted: z.object({ run_id: runId, gpu_id: gpuId, user_id: userId, pid: z.int(), at: instant }),
  /** Somebody or something wants it to end: SIGTERM has been or will be sent. `reason` is null when the user asked. */
  RunStopRequested: z.object({ run_id: runId, gpu_id: gpuId, user_id: userId, reason: runReason.nullable(), at: instant }),
  RunEnded: z.object({
    run_id: runId, gpu_id: gpuId, user_id: userId, exit_code: z.int().nullable(), signal: z.string().nullable(), reason: runReason.nullable(),
    message: z.string().nullable(), elapsed_seconds: z.number(), stdout_bytes: z.int(), stderr_bytes: z.int(), output_truncated: z.boolean(), at: instant,
  }),
};

/** What a run writes to: the order between the two is not defined, so each has a stream of its own. */
export const outputChannels = ['stdout', 'stderr'] as const;
export type OutputChannel = (typeof outputChannels)[number];

/**
 * Streams `runoutput-<run_id>.<stream>`, kept apart from the facts and for a while only. The bytes themselves are the event's body;
 * versions 1 and 2 had them in their data, as text or base64. `skipped` says how many bytes before it were dropped before anybody
 * saw them: whoever goes on after a crash knows then that some are missing.
 */
export const outputEvents = {
  OutputWritten: z.object({ stream: z.enum(outputChannels), offset: z.int(), bytes: z.int(), skipped: z.int() }),
};

/** The stream of one channel of a run. */
export function outputStream(run_id: string, channel: OutputChannel): string {
  return `runoutput-${run_id}.${channel}`;
}

/** Version 2 → 3 */
export function outputAsBody({ data }: Contents): Contents {
  const { text, base64 = '', ...rest } = data as { text?: string; base64?: string };
  return { data: rest, body: text === undefined ? Buffer.from(base64, 'base64') : Buffer.from(text) };
}
