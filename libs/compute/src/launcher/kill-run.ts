import { ContainerGone } from '../compute.ts';
import type { Compute } from '../compute.ts';
import { EngineError } from '../exec-queue.ts';
import { ask } from './ask.ts';
import { killScript } from './scripts.ts';

/**
 * What became of it: `term` it ended by the signal in time, `kill` it had to be killed, `gone` it had ended before (or its
 * container is gone), `nostart` the container has no record of its start.
 */
export type KillResult = 'term' | 'kill' | 'gone' | 'nostart';

const results: readonly string[] = ['term', 'kill', 'gone', 'nostart'];
const slackMs = 20_000;

/**
 * Sends a signal (`TERM`, `INT` …) to a run's process group and SIGKILL to all that is left of the run after the grace
 * (whole seconds, rounded up). May be repeated. Throws `EngineError` when the container or the engine doesn't answer
 * within the grace and 20 s, as a frozen one does; `ExecQueueFull` when too many commands wait. `letGo` ends the waiting, not the
 * killing.
 */
export async function killRun(compute: Compute, gpuId: string, runId: string, signal: string, graceSeconds: number, letGo?: AbortSignal): Promise<KillResult> {
  const grace = Math.max(0, Math.ceil(graceSeconds));
  const argv = ['/bin/sh', '-c', killScript, 'kgpu-kill', runId, signal.replace(/^SIG/, ''), `${grace}`];
  try {
    const { said } = await ask(compute, gpuId, argv, grace * 1_000 + slackMs, letGo);
    const result = said.split('\n').at(-1) ?? '';
    if (!results.includes(result)) throw new EngineError(`the container answered "${result.slice(0, 100)}"`);
    return result as KillResult;
  } catch (error) {
    if (error instanceof ContainerGone) return 'gone';
    throw error;
  }
}
