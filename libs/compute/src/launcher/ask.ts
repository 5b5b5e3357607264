import type { Compute } from '../compute.ts';
import { EngineError, execWithin, queueOf } from '../exec-queue.ts';

export interface Answer {
  /** The end of what it said on its stdout. */
  said: string;
  exitCode: number | null;
}

const beginDeadlineMs = 20_000;
const keptLength = 200;

/**
 * Runs a short script in a container and hears it out. Its place in the engine's queue is free when it has said something. Throws
 * `ContainerGone`, `ExecQueueFull` when too many commands wait, and `EngineError` when the engine or the container doesn't answer in
 * time, as a frozen one does. `letGo` ends the waiting, not the script.
 */
export async function ask(compute: Compute, gpuId: string, argv: readonly string[], withinMs: number, letGo?: AbortSignal): Promise<Answer> {
  const leave = await queueOf(compute).enter();
  try {
    const session = await execWithin(compute, gpuId, argv, beginDeadlineMs);
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      session.close();
    }, withinMs);
    const close = () => session.close();
    letGo?.addEventListener('abort', close);
    if (letGo?.aborted) close();
    session.stdin.on('error', () => {}).end();
    let said = '';
    const hear = (bytes: Buffer) => {
      said = (said + bytes.toString()).slice(-keptLength);
      leave();
    };
    try {
      await session.read({ stdout: hear, stderr: () => {} });
      const exitCode = await session.exit;
      if (isLate) throw new EngineError('the container did not answer in time');
      return { said: said.trim(), exitCode };
    } finally {
      clearTimeout(timer);
      letGo?.removeEventListener('abort', close);
      session.close();
    }
  } finally {
    leave();
  }
}
