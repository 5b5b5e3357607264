/** Watches over one active run: starts or follows it, records its output and its one end. It may die at any instant. */
import { setTimeout as sleep } from 'node:timers/promises';
import { startOrFollow, type Compute } from '@kgpu/compute';
import { WrongRevision } from '@kgpu/event-store';
import type { Clock, ServiceContext } from '@kgpu/runtime';
import { outputTail } from '../output/output-log.ts';
import { RunOutput } from '../output/run-output.ts';
import { endOfRun, type Ended } from './end-of-run.ts';
import type { ActiveRun } from './run.ts';
import type { RunRecord } from './run-record.ts';
import type { Runs } from './runs.projection.ts';

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5_000;
const LAST_WORDS_BYTES = 8_192;

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
  const { context, compute, runs, record } = parts;
  const { order } = run;
  const spent = runs.spent.of(order.gpu_id);
  const outputCapBytes = context.config.KGPU_OUTPUT_CAP_BYTES;
  const output = await RunOutput.open(context.expiring, order.run_id, outputCapBytes);
  let started: Promise<unknown> = Promise.resolve();
  const unrecorded = new AbortController();
  const end = await startOrFollow(
    compute, order.gpu_id, run.status === 'requested' ? 'start' : 'attach',
    { runId: order.run_id, command: order.command, env: order.env, cwd: order.cwd, outputCapBytes, spent },
    output.ends,
    {
      signal: AbortSignal.any([signal, unrecorded.signal]),
      // Nothing waits for it but the end: a quick command has ended by the time that its start is on disk.
      onStarted({ pid, startedAt }) {
        if (run.status === 'requested') runs.spent.deleted(order.gpu_id, spent);
        started = record.record(order.run_id, { type: 'Start', pid, at: context.clock.fromWall(startedAt) }, { commitId: `start:${order.run_id}` });
        started.catch(() => unrecorded.abort());
      },
      onOutput: (channel, offset, bytes) => output.push(channel, offset, bytes),
    },
  );
  await Promise.all([started, output.flush()]);
  if (end.outcome === 'cut' || signal.aborted) return false;
  await recordEnd(parts, order.run_id, end, output);
  return true;
}

async function recordEnd(parts: SupervisorParts, runId: string, end: Ended, output: RunOutput): Promise<void> {
  const { context, runs, record, compute } = parts;
  // A container that is gone may have been returned a moment ago.
  if (end.outcome === 'lost') await record.catchUp();
  const run = runs.get(runId);
  if (run === undefined || run.status === 'ended') return;
  const { order, stop } = run;
  const times = timesOf(end, run, context.clock);
  const how = endOfRun(end, {
    stop, endedAt: times.at, elapsedSeconds: times.elapsed_seconds, timeoutSeconds: order.timeout_seconds,
    isReturned: runs.whyOver(order.gpu_id) === 'gpu_returned',
    ranOutOfMemory: end.outcome === 'lost' && await ranOutOfMemory(compute, order.gpu_id),
    lastWords: hasLastWords(end) ? (await outputTail(context.expiring, runId, 'stderr', LAST_WORDS_BYTES)).text : '',
  });
  await record.record(runId, {
    type: 'End', at: times.at,
    end: {
      ...how, elapsed_seconds: times.elapsed_seconds, stdout_bytes: output.ends.stdout, stderr_bytes: output.ends.stderr,
      output_truncated: output.isIncomplete || (end.outcome === 'exited' && end.outputLost),
    },
  }, { commitId: `end:${runId}` });
}

/** In business time. */
function timesOf(end: Ended, run: ActiveRun, clock: Clock): { at: Date; elapsed_seconds: number } {
  const at = end.outcome === 'exited' ? clock.fromWall(end.endedAt) : clock.now();
  const startedAt = end.outcome === 'exited' ? clock.fromWall(end.startedAt).getTime() : run.status === 'running' ? Date.parse(run.startedAt) : at.getTime();
  return { at, elapsed_seconds: Math.max(0, Math.round((at.getTime() - startedAt) / 10) / 100) };
}

/** The launcher says on the command's stderr why it could not become the command. */
function hasLastWords(end: Ended): boolean {
  return end.outcome === 'exited' && (end.exitCode === 126 || end.exitCode === 127);
}

/** Where the engine can tell, and its container is still there to be asked. */
async function ranOutOfMemory(compute: Compute, gpuId: string): Promise<boolean> {
  const status = await compute.status(gpuId).catch(() => null);
  return status?.state === 'exited' && status.message === 'out of memory';
}
