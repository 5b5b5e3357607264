import { ContainerGone } from '../compute.ts';
import type { Compute, ExecSession } from '../compute.ts';
import { EngineError, execWithin, queueOf } from '../exec-queue.ts';
import { killScript } from './scripts.ts';

/**
 * What became of it: `term` it ended by the signal in time, `kill` it had to be killed, `gone` it had ended before (or its
 * container is gone), `nostart` the container has no record of its start.
 */
export type KillResult = 'term' | 'kill' | 'gone' | 'nostart';

const results: readonly string[] = ['term', 'kill', 'gone', 'nostart'];
const deadlineMs = 20_000;

/**
 * Sends a signal (`TERM`, `INT` …) to a run's process group and SIGKILL to all that is left of the run after the grace
 * (whole seconds, rounded up). May be repeated. Throws `EngineError` when the container or the engine doesn't answer
 * within the grace and 20 s, as a frozen one does; `ExecQueueFull` when too many commands wait. `letGo` ends the waiting, not the
 * killing.
 */
export async function killRun(compute: Compute, gpuId: string, runId: string, signal: string, graceSeconds: number, letGo?: AbortSignal): Promise<KillResult> {
  const leave = await queueOf(compute).enter();
  const grace = Math.max(0, Math.ceil(graceSeconds));
  try {
    const session = await execWithin(compute, gpuId, ['/bin/sh', '-c', killScript, 'kgpu-kill', runId, signal.replace(/^SIG/, ''), `${grace}`], deadlineMs);
    const close = () => session.close();
    letGo?.addEventListener('abort', close);
    return await resultOf(session, grace * 1_000 + deadlineMs, leave).finally(() => letGo?.removeEventListener('abort', close));
  } catch (error) {
    if (error instanceof ContainerGone) return 'gone';
    throw error;
  } finally {
    leave();
  }
}

async function resultOf(session: ExecSession, withinMs: number, onBegun: () => void): Promise<KillResult> {
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    session.close();
  }, withinMs);
  session.stdin.on('error', () => {}).end();
  let said = '';
  const hear = (bytes: Buffer) => {
    said = (said + bytes.toString()).slice(-200);
    onBegun();
  };
  await session.read({ stdout: hear, stderr: () => {} });
  clearTimeout(timer);
  session.close();
  if (isLate) throw new EngineError('the container did not answer in time');
  const result = said.trim().split('\n').at(-1) ?? '';
  if (!results.includes(result)) throw new EngineError(`the container answered "${result.slice(0, 100)}"`);
  return result as KillResult;
}
