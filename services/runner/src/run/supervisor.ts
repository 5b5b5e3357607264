/** Watches over one active run: starts or follows it, records its output and its one end. It may die at any instant. */
import { setTimeout as sleep } from 'node:timers/promises';
import { startOrFollow, type Compute, type RunEnd } from '@kgpu/compute';
import { WrongRevision } from '@kgpu/event-store';
import type { ServiceContext } from '@kgpu/runtime';
import { outputEnd, type Channel } from '../output/output-log.ts';
import { OutputWriter } from '../output/output-writer.ts';
import { endOfRun } from './end-of-run.ts';
import type { ActiveRun } from './run.ts';
import type { RunRecord } from './run-record.ts';
import type { Runs } from './runs.projection.ts';

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5_000;

export interface SupervisorParts {
  context: ServiceContext;
  compute: Compute;
  runs: Runs;
  record: RunRecord;
}

/** Resolves when the run's end is on record, or the signal lets go of it. */
export async function supervise(parts: SupervisorParts, runId: string, signal: AbortSignal): Promise<void> {
  for (let pause = FIRST_PAUSE_MS; !signal.aborted; pause = Math.min(pause * 2, LONGEST_PAUSE_MS)) {
    const run = parts.runs.get(runId);
    if (run === undefined || run.status === 'ended') return;
    try {
      if (await watch(parts, run, signal)) return;
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof WrongRevision)) parts.context.log.warn({ err: error, run_id: runId }, 'the run could not be followed; trying again');
    }
    await sleep(pause, undefined, { signal }).catch(() => undefined);
  }
}

/** One session. True when the run has ended and that is on record. */
async function watch(parts: SupervisorParts, run: ActiveRun, signal: AbortSignal): Promise<boolean> {
  const { context, compute, record } = parts;
  const { order } = run;
  const writers = { stdout: await writer(context, order.run_id, 'stdout'), stderr: await writer(context, order.run_id, 'stderr') };
  let truncated = false;
  const end = await startOrFollow(
    compute, order.gpu_id, run.status === 'requested' ? 'start' : 'attach',
    { runId: order.run_id, command: order.command, env: order.env, cwd: order.cwd, outputCapBytes: context.config.KGPU_OUTPUT_CAP_BYTES },
    { stdout: writers.stdout.end, stderr: writers.stderr.end },
    {
      signal,
      async onStarted({ pid, startedAt }) {
        await record.record(order.run_id, { type: 'Start', pid, at: context.clock.fromWall(startedAt) }, { commitId: `start:${order.run_id}` });
      },
      onOutput: (channel, offset, bytes) => writers[channel].push(offset, bytes),
      onTruncated() {
        truncated = true;
      },
    },
  );
  await Promise.all([writers.stdout.flush(), writers.stderr.flush()]);
  if (end.outcome === 'cut' || signal.aborted) return false;
  await recordEnd(parts, order.run_id, end, { stdout: writers.stdout.end, stderr: writers.stderr.end, truncated });
  return true;
}

async function recordEnd({ context, runs, record }: SupervisorParts, runId: string, end: Exclude<RunEnd, { outcome: 'cut' }>, output: { stdout: number; stderr: number; truncated: boolean }): Promise<void> {
  const { clock } = context;
  const run = runs.get(runId);
  if (run === undefined || run.status === 'ended') return;
  const at = end.outcome === 'exited' ? clock.fromWall(end.endedAt) : clock.now();
  const startedAt = end.outcome === 'exited' ? clock.fromWall(end.startedAt).getTime() : run.status === 'running' ? Date.parse(run.startedAt) : at.getTime();
  const rentalEnded = runs.rental(run.order.gpu_id)?.status === 'ended';
  await record.record(runId, {
    type: 'End', at,
    end: {
      ...endOfRun(end, run.stop ?? undefined, rentalEnded),
      elapsed_seconds: Math.max(0, Math.round((at.getTime() - startedAt) / 10) / 100),
      stdout_bytes: output.stdout, stderr_bytes: output.stderr,
      output_truncated: output.truncated || (end.outcome === 'exited' && end.outputLost),
    },
  }, { commitId: `end:${runId}` });
}

async function writer(context: ServiceContext, runId: string, channel: Channel): Promise<OutputWriter> {
  return new OutputWriter(context.expiring, runId, channel, await outputEnd(context.expiring, runId, channel));
}
