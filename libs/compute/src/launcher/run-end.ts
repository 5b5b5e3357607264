import { constants } from 'node:os';

/** Why nobody knows how a run ended. */
export type LostReason =
  /** The container isn't there any more, or doesn't run. */
  | 'container_gone'
  /** What watched over the command was killed, so its exit code is unknown; its output is complete. */
  | 'supervisor_killed'
  /** The container holds no record of the run: it was never started there, or somebody removed the record. */
  | 'no_record';

export type RunEnd =
  | {
      outcome: 'exited';
      exitCode: number;
      /** `SIGKILL` …, when the exit code is 128 + its number, as shells say it; else null. */
      signal: string | null;
      startedAt: Date;
      endedAt: Date;
      /** By the container's own clock, right to 0.01 s however late anybody looked. */
      elapsedSeconds: number;
      /** The kernel killed a process of the container for lack of memory while the command ran, and the command with SIGKILL. */
      outOfMemory: boolean;
      /** Output was thrown away because the container's disk was full. */
      outputLost: boolean;
    }
  | { outcome: 'lost'; why: LostReason }
  | { outcome: 'not_started'; why: 'image_without_shell' | 'start_failed'; exitCode: number | null; message: string }
  /** The session was cut or let go; the run goes on or has ended meanwhile. Ask again with `attach` and your own offsets. */
  | { outcome: 'cut'; why: string };

const names = new Map(Object.entries(constants.signals).map(([name, number]) => [number, name]));

/** The signal that a shell's exit code stands for, else null. */
export function signalOf(exitCode: number): string | null {
  return exitCode > 128 ? names.get(exitCode - 128) ?? null : null;
}

/** Turns the container's uptime stamps into wall-clock time. Stamps come late, never early: the earliest arrival is right. */
export class UptimeClock {
  #bootMs = Infinity;

  /** A stamp that has arrived now. */
  sync(uptimeSeconds: number, nowMs: number): void {
    if (uptimeSeconds > 0) this.#bootMs = Math.min(this.#bootMs, nowMs - uptimeSeconds * 1_000);
  }

  /** `fallback` where the container has no uptime. */
  at(uptimeSeconds: number, fallback: Date): Date {
    return uptimeSeconds > 0 && Number.isFinite(this.#bootMs) ? new Date(this.#bootMs + uptimeSeconds * 1_000) : fallback;
  }
}

/** `exit <code> <uptime> <oom kills> <output lost> <now>` or `lost <why> <now>` → the end. */
export function endOf(words: readonly string[], startedUptime: number, clock: UptimeClock): RunEnd {
  const [kind, ...rest] = words;
  if (kind === 'lost') return lostOf(rest[0]);
  const [exitCode = NaN, uptime = 0, oomKills = 0, lost = 0, now = 0] = rest.map(Number);
  if (kind !== 'exit' || !Number.isInteger(exitCode)) return { outcome: 'cut', why: `the follower said "${words.join(' ').slice(0, 80)}"` };
  clock.sync(now, Date.now());
  const endedAt = clock.at(uptime, new Date());
  const startedAt = clock.at(startedUptime, endedAt);
  return {
    outcome: 'exited', exitCode, signal: signalOf(exitCode), startedAt, endedAt,
    elapsedSeconds: Math.max(0, Math.round((endedAt.getTime() - startedAt.getTime()) / 10) / 100),
    outOfMemory: oomKills > 0 && exitCode === 137, outputLost: lost === 1,
  };
}

function lostOf(why: string | undefined): RunEnd {
  if (why === 'killed') return { outcome: 'lost', why: 'supervisor_killed' };
  if (why === 'no_record') return { outcome: 'lost', why: 'no_record' };
  return {
    outcome: 'not_started', why: 'start_failed', exitCode: null,
    message: 'the container could not record the run: its disk may be full',
  };
}
