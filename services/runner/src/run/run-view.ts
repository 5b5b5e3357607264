import type { Run } from '@kgpu/contracts';
import type { KnownRun } from './run.ts';
import { phaseOf } from './runs.projection.ts';

/** What is on record of a run's output. */
export interface OutputOfRun {
  stdout: string;
  stderr: string;
  stdout_bytes: number;
  stderr_bytes: number;
  /** Some of it is not on record, or not any more. */
  isIncomplete: boolean;
}

/** A run as people see it at the business time `now`. */
export function viewRun(run: KnownRun, { isIncomplete, ...output }: OutputOfRun, now: Date): Run {
  const { order } = run;
  const startedAt = 'startedAt' in run ? run.startedAt : null;
  const end = run.status === 'ended' ? run.end : null;
  return {
    run_id: order.run_id,
    gpu_id: order.gpu_id,
    name: order.name,
    command: order.command,
    phase: phaseOf(run),
    exit_code: end?.exit_code ?? null,
    signal: end?.signal ?? null,
    reason: end?.reason ?? null,
    message: end?.message ?? null,
    ...output,
    stdout_bytes: end?.stdout_bytes ?? output.stdout_bytes,
    stderr_bytes: end?.stderr_bytes ?? output.stderr_bytes,
    output_truncated: isIncomplete || (end?.output_truncated ?? false),
    started_at: startedAt,
    completed_at: end?.at ?? null,
    elapsed_seconds: end?.elapsed_seconds ?? secondsSince(startedAt, now),
    pid: 'pid' in run ? run.pid : null,
  };
}

function secondsSince(startedAt: string | null, now: Date): number {
  return startedAt === null ? 0 : Math.round((now.getTime() - Date.parse(startedAt)) / 10) / 100;
}
