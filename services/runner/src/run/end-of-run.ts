import type { RunReason } from '@kgpu/contracts';
import type { RunEnd } from '@kgpu/compute';
import type { End, Stop } from './run.ts';

export type Ended = Exclude<RunEnd, { outcome: 'cut' }>;
type How = Pick<End, 'exit_code' | 'signal' | 'reason' | 'message'>;

/** What is known of a run when it has ended; times are business time. */
export interface Circumstances {
  /** Who wanted it to end, and since when; null when nobody did. */
  stop: Stop | null;
  endedAt: Date;
  elapsedSeconds: number;
  timeoutSeconds: number | null;
  /** Its GPU was returned: its container is meant to be gone. */
  isReturned: boolean;
  /** Its container was killed for lack of memory. */
  ranOutOfMemory: boolean;
  /** What it wrote to stderr last, where that may be the launcher's. */
  lastWords: string;
}

/** Stamps of a container are right to a hundredth of a second. */
const SLACK_MS = 100;

export function endOfRun(end: Ended, known: Circumstances): How {
  switch (end.outcome) {
    case 'exited':
      return { exit_code: end.exitCode, signal: end.signal, reason: reasonOfExit(end, known), message: launcherSaid(known.lastWords) };
    case 'not_started':
      return { exit_code: end.exitCode, signal: null, reason: end.why, message: end.message };
    case 'lost':
      if (known.isReturned) return { exit_code: null, signal: null, reason: 'gpu_returned', message: 'The GPU was returned while the command ran.' };
      if (known.ranOutOfMemory) return { exit_code: null, signal: null, reason: 'out_of_memory', message: 'The container was killed for lack of memory.' };
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
 * ended well all the same, has no reason to give. A stop that came after the end, which nobody had seen yet, stopped nothing.
 */
function reasonOfExit(end: Extract<Ended, { outcome: 'exited' }>, known: Circumstances): RunReason | null {
  const { stop } = known;
  if (stop !== null && wasStopped(end, stop, known)) {
    if (stop.reason !== null) return stop.reason;
    return end.exitCode === 0 ? null : 'stopped';
  }
  return end.outOfMemory ? 'out_of_memory' : null;
}

function wasStopped({ signal, outOfMemory }: Extract<Ended, { outcome: 'exited' }>, stop: Stop, { endedAt, elapsedSeconds, timeoutSeconds }: Circumstances): boolean {
  const tooLong = stop.reason === 'timeout' && timeoutSeconds !== null && elapsedSeconds >= timeoutSeconds;
  // Where business time runs fast, the slack is nothing: a signal that stops send counts for one.
  const bySignal = !outOfMemory && (signal === 'SIGTERM' || signal === 'SIGKILL');
  return tooLong || bySignal || Date.parse(stop.at) <= endedAt.getTime() + SLACK_MS;
}

/** What the launcher said last, when it could not become the command: itself, its shell, or the setsid that it starts the command by. */
function launcherSaid(lastWords: string): string | null {
  return /(?:^|\n)(?:kgpu|setsid|kgpu-run): ([^]+)\n$/.exec(lastWords)?.[1] ?? null;
}
