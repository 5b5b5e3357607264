import type { RunReason } from '@kgpu/contracts';
import type { RunEnd } from '@kgpu/compute';
import type { End } from './run.ts';

type Ended = Exclude<RunEnd, { outcome: 'cut' }>;
type How = Pick<End, 'exit_code' | 'signal' | 'reason' | 'message'>;

/** `stop`: why it was stopped (null: by the user), undefined when nobody asked. `rentalEnded`: its container is meant to be gone. */
export function endOfRun(end: Ended, stop: { reason: RunReason | null } | undefined, rentalEnded: boolean): How {
  switch (end.outcome) {
    case 'exited':
      return { exit_code: end.exitCode, signal: end.signal, reason: reasonOfExit(end, stop), message: null };
    case 'not_started':
      return { exit_code: end.exitCode, signal: null, reason: end.why, message: end.message };
    case 'lost':
      if (rentalEnded) return { exit_code: null, signal: null, reason: 'gpu_returned', message: 'The GPU was returned while the command ran.' };
      return { exit_code: null, signal: null, reason: 'lost', message: lost[end.why] };
  }
}

const lost = {
  container_gone: 'The container is gone.',
  supervisor_killed: 'What watched over the command was killed; how the command ended is not known. Its output is complete.',
  no_record: 'The container has no record of the command.',
};

/**
 * A timeout or a return makes a run failed however politely the command ended (API: Runs). One that the user stopped, and that
 * ended well all the same, has no reason to give.
 */
function reasonOfExit({ exitCode, outOfMemory }: Extract<Ended, { outcome: 'exited' }>, stop: { reason: RunReason | null } | undefined): RunReason | null {
  if (stop !== undefined && stop.reason !== null) return stop.reason;
  if (exitCode === 0) return null;
  if (stop !== undefined) return 'stopped';
  return outOfMemory ? 'out_of_memory' : null;
}
