/** Every run in memory (not its output), and of the rentals what decides whether a run may start. */
import type { KgpuEvent, RunEvent } from '@kgpu/contracts';
import { SpentOutput } from '../output/spent-output.ts';
import { runDecider, type ActiveRun, type KnownRun } from './run.ts';

interface Entry {
  /** Position of RunRequested: the order of lists. */
  seq: number;
  state: KnownRun;
}

export interface RunQuery {
  userId: number;
  gpuId: string | null;
  phase: 'Running' | 'Succeeded' | 'Failed' | null;
  limit: number;
  /** A place as `ListedRun` has it. */
  before: number | null;
}

export interface ListedRun {
  run: KnownRun;
  /** Its place among all: the position of its request. */
  seq: number;
}

export interface RentalOfRuns {
  userId: number;
  /** `lost`: ended, because its container or node was gone. */
  status: 'pending' | 'ready' | 'ended' | 'lost';
}

export class Runs {
  /** Of the rentals that go on. */
  readonly spent = new SpentOutput();
  readonly #byId = new Map<string, Entry>();
  readonly #byUser = new Map<number, Entry[]>();
  readonly #active = new Map<string, Entry>();
  readonly #rentals = new Map<string, RentalOfRuns>();
  readonly #waiting = new Map<string, Set<() => void>>();

  apply(event: KgpuEvent, position: number): void {
    switch (event.type) {
      case 'RentalRequested':
        this.#rentals.set(event.data.gpu_id, { userId: event.data.user_id, status: 'pending' });
        return;
      case 'RentalStarted':
        this.#rentals.set(event.data.gpu_id, { userId: event.data.user_id, status: 'ready' });
        return;
      case 'RentalEnded':
        this.#rentals.set(event.data.gpu_id, { userId: event.data.user_id, status: event.data.reason === 'lost' ? 'lost' : 'ended' });
        this.spent.rentalEnded(event.data.gpu_id);
        return;
      case 'RunRequested':
      case 'RunStarted':
      case 'RunStopRequested':
      case 'RunEnded':
        this.#applyRun(event, position);
        if (event.type === 'RunEnded' && this.whyOver(event.data.gpu_id) === null) this.spent.ended(event.data);
    }
  }

  get(runId: string): KnownRun | undefined {
    return this.#byId.get(runId)?.state;
  }

  rental(gpuId: string): RentalOfRuns | undefined {
    return this.#rentals.get(gpuId);
  }

  /** Why a run must end because its rental has; null while that goes on. */
  whyOver(gpuId: string): 'gpu_returned' | 'lost' | null {
    const status = this.#rentals.get(gpuId)?.status;
    if (status === 'lost') return 'lost';
    return status === 'ended' ? 'gpu_returned' : null;
  }

  *active(): Iterable<ActiveRun> {
    for (const { state } of this.#active.values()) if (state.status !== 'ended') yield state;
  }

  activeOf(gpuId: string): ActiveRun[] {
    return [...this.active()].filter((run) => run.order.gpu_id === gpuId);
  }

  /** Newest first, those before a place: at most `limit`, and whether there are more. */
  list({ userId, gpuId, phase, limit, before }: RunQuery): { runs: ListedRun[]; hasMore: boolean } {
    const entries = this.#byUser.get(userId) ?? [];
    const found: Entry[] = [];
    for (let i = entries.length - 1; i >= 0 && found.length <= limit; i--) {
      const entry = entries[i]!;
      if ((before === null || entry.seq < before) && (gpuId === null || entry.state.order.gpu_id === gpuId) && (phase === null || phaseOf(entry.state) === phase)) found.push(entry);
    }
    return { runs: found.slice(0, limit).map(({ state, seq }) => ({ run: state, seq })), hasMore: found.length > limit };
  }

  /** Resolves at the run's next event, or with the signal's end. */
  async changed(runId: string, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    const waiting = this.#waiting.get(runId) ?? new Set();
    this.#waiting.set(runId, waiting);
    await new Promise<void>((resolve) => {
      const done = () => {
        signal.removeEventListener('abort', done);
        waiting.delete(done);
        if (waiting.size === 0) this.#waiting.delete(runId);
        resolve();
      };
      waiting.add(done);
      signal.addEventListener('abort', done);
    });
  }

  #applyRun(event: RunEvent, position: number): void {
    const runId = event.data.run_id;
    const entry = this.#byId.get(runId);
    const state = runDecider.evolve(entry?.state ?? { status: 'none' }, event) as KnownRun;
    if (entry === undefined) this.#add({ seq: position, state });
    else this.#change(entry, state);
    for (const wake of this.#waiting.get(runId) ?? []) wake();
  }

  #add(entry: Entry): void {
    const { run_id, user_id } = entry.state.order;
    this.#byId.set(run_id, entry);
    this.#active.set(run_id, entry);
    const own = this.#byUser.get(user_id);
    if (own === undefined) this.#byUser.set(user_id, [entry]);
    else own.push(entry);
  }

  #change(entry: Entry, state: KnownRun): void {
    // Nothing needs the variables of a run that is over, and there may be very many of these.
    entry.state = state.status === 'ended' ? { ...state, order: { ...state.order, env: {} } } : state;
    if (state.status === 'ended') this.#active.delete(state.order.run_id);
  }
}

export function phaseOf(run: KnownRun): 'Running' | 'Succeeded' | 'Failed' {
  if (run.status !== 'ended') return 'Running';
  return run.end.exit_code === 0 && run.end.reason === null ? 'Succeeded' : 'Failed';
}
