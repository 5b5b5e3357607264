import { GetRun, Problem, type Run } from '@kgpu/contracts';
import type { Asker, Parts } from '../http/parts.ts';
import { userOf } from '../identity/caller.ts';

/** A run that the asker may see: their own, and from within a rental only those of that rental. @throws Problem `run_not_found` */
export async function findRun(parts: Parts, asker: Asker, runId: string, waitSeconds = 0): Promise<Run> {
  const { run } = await parts.ask(GetRun, { run_id: runId, user_id: userOf(asker.caller), wait_seconds: waitSeconds }, asker);
  if (asker.caller.kind === 'rental' && run.gpu_id !== asker.caller.gpuId) throw new Problem('run_not_found');
  return run;
}
