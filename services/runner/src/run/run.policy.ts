/**
 * Looks after the active runs of this replica: each has its supervisor, those that must end are stopped, those of a returned GPU too.
 * Driven by state: after a crash the next look takes up whatever is active in the log, and lets go of what another replica has.
 */
import { killRun } from '@kgpu/compute';
import type { Replicas } from '../replicas/replicas.ts';
import type { ActiveRun } from './run.ts';
import { supervise, type SupervisorParts } from './supervisor.ts';

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 5_000;
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** Work on one run that goes on until it is done or let go. */
interface Work {
  abort: AbortController;
  done: Promise<void>;
}

export class RunPolicy {
  readonly #supervised = new Map<string, Work>();
  readonly #stopping = new Map<string, Work>();
  readonly #timers = new Map<string, NodeJS.Timeout>();
  #closed = false;

  constructor(
    private readonly parts: SupervisorParts,
    private readonly replicas: Replicas,
  ) {}

  /** Does for one run what its state asks for; what is under way is not begun again. */
  look(runId: string): void {
    const run = this.parts.runs.get(runId);
    if (this.#closed || run === undefined) return;
    if (run.status === 'ended') {
      this.#disarm(runId);
      return;
    }
    if (!this.replicas.isOwn(run.order, performance.now())) {
      this.#letGo(runId);
      return;
    }
    if (!this.#supervised.has(runId)) this.#keep(this.#supervised, runId, (signal) => supervise(this.parts, runId, signal));
    if (run.stop !== null && !this.#stopping.has(runId)) this.#keep(this.#stopping, runId, (signal) => this.#kill(run, signal));
    const over = this.parts.runs.whyOver(run.order.gpu_id);
    if (over !== null) void this.end(run, over);
    this.#armTimeout(run);
  }

  lookAtAll(): void {
    for (const run of this.parts.runs.active()) this.look(run.order.run_id);
  }

  lookAtGpu(gpuId: string): void {
    for (const run of this.parts.runs.activeOf(gpuId)) this.look(run.order.run_id);
  }

  /** Records why the run must end; that it is on record makes it so. */
  async end(run: ActiveRun, reason: 'timeout' | 'gpu_returned' | 'lost'): Promise<void> {
    if (run.stop !== null) return;
    const { run_id } = run.order;
    try {
      await this.parts.record.record(run_id, { type: 'Stop', reason }, { commitId: `${reason}:${run_id}` });
    } catch (error) {
      this.parts.context.log.warn({ err: error, run_id }, 'a run could not be told to end; trying again');
    }
  }

  /** Lets go of all runs; they go on. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const runId of this.#timers.keys()) this.#disarm(runId);
    const work = [...this.#supervised.values(), ...this.#stopping.values()];
    for (const { abort } of work) abort.abort();
    await Promise.all(work.map(({ done }) => done));
  }

  /** It belongs to another replica now; should it come back before all has settled, the look at the end takes it up. */
  #letGo(runId: string): void {
    this.#disarm(runId);
    this.#supervised.get(runId)?.abort.abort();
    this.#stopping.get(runId)?.abort.abort();
  }

  #keep(under: Map<string, Work>, runId: string, act: (signal: AbortSignal) => Promise<void>): void {
    const abort = new AbortController();
    const done = act(abort.signal).finally(() => {
      under.delete(runId);
      if (abort.signal.aborted) this.look(runId);
    });
    under.set(runId, { abort, done });
  }

  /** Until the end is on record: a run may not have begun yet, or its container not answer, which may take hours. */
  async #kill({ order: { run_id, gpu_id } }: ActiveRun, signal: AbortSignal): Promise<void> {
    const graceSeconds = this.parts.context.config.KGPU_STOP_GRACE / 1_000;
    for (let failures = 0; !signal.aborted && this.parts.runs.get(run_id)?.status !== 'ended';) {
      const pauseMs = Math.min(FIRST_PAUSE_MS * 2 ** failures, LONGEST_PAUSE_MS);
      try {
        await killRun(this.parts.compute, gpu_id, run_id, 'SIGTERM', graceSeconds, signal);
        failures = 0;
      } catch (error) {
        failures++;
        if (!signal.aborted) this.parts.context.log.warn({ err: error, run_id }, 'a run could not be stopped; trying again');
      }
      await this.#endedWithin(run_id, pauseMs, signal);
    }
  }

  async #endedWithin(runId: string, ms: number, signal: AbortSignal): Promise<void> {
    const end = AbortSignal.any([signal, AbortSignal.timeout(ms)]);
    while (!end.aborted && this.parts.runs.get(runId)?.status !== 'ended') await this.parts.runs.changed(runId, end);
  }

  #armTimeout(run: ActiveRun): void {
    const { run_id, timeout_seconds } = run.order;
    if (timeout_seconds === null || run.status !== 'running' || run.stop !== null || this.#timers.has(run_id)) return;
    const due = new Date(Date.parse(run.startedAt) + timeout_seconds * 1_000);
    const timer = setTimeout(() => {
      this.#timers.delete(run_id);
      const now = this.parts.runs.get(run_id);
      if (now === undefined || now.status === 'ended') return;
      if (this.parts.context.clock.wallMsUntil(due) > 0) this.#armTimeout(run);
      else void this.end(now, 'timeout');
    }, Math.min(LONGEST_TIMER_MS, this.parts.context.clock.wallMsUntil(due)));
    this.#timers.set(run_id, timer);
  }

  #disarm(runId: string): void {
    clearTimeout(this.#timers.get(runId));
    this.#timers.delete(runId);
  }
}
