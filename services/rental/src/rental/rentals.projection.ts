/** Every rental, in memory: what queries answer from and what the policies compare with the engine. */
import type { KgpuEvent, RentalEvent } from '@kgpu/contracts';
import { rentalDecider, type KnownRental } from './rental.ts';

interface Entry {
  /** Position of RentalRequested: the order of lists. */
  seq: number;
  state: KnownRental;
}

export interface RentalPage {
  rentals: KnownRental[];
  next_cursor: string | null;
}

export interface RentalQuery {
  userId: number | null;
  state: 'active' | 'ended' | 'all';
  limit: number;
  cursor: string | null;
}

export class Rentals {
  readonly #byId = new Map<string, Entry>();
  readonly #byUser = new Map<number, Entry[]>();
  readonly #all: Entry[] = [];
  readonly #unsettled = new Map<string, Entry>();
  readonly #waiting = new Map<string, Set<() => void>>();

  apply(event: KgpuEvent, position: number): void {
    if (!isRentalEvent(event)) return;
    const gpuId = event.data.gpu_id;
    const entry = this.#byId.get(gpuId);
    const state = rentalDecider.evolve(entry?.state ?? { status: 'none' }, event) as KnownRental;
    if (entry === undefined) this.#add({ seq: position, state });
    else this.#change(entry, state);
    for (const wake of this.#waiting.get(gpuId) ?? []) wake();
  }

  get(gpuId: string): KnownRental | undefined {
    return this.#byId.get(gpuId)?.state;
  }

  /** Rentals whose container exists, should exist or has to go. */
  *unsettled(): Iterable<KnownRental> {
    for (const entry of this.#unsettled.values()) yield entry.state;
  }

  get activeTotal(): number {
    let total = 0;
    for (const state of this.unsettled()) if (isActive(state)) total++;
    return total;
  }

  /** Newest first. The cursor is the place of the last rental of the page before. */
  list({ userId, state, limit, cursor }: RentalQuery): RentalPage {
    const entries = userId === null ? this.#all : (this.#byUser.get(userId) ?? []);
    const found: Entry[] = [];
    for (let i = firstBefore(entries, cursor) - 1; i >= 0 && found.length <= limit; i--) {
      const entry = entries[i]!;
      if (state === 'all' || (state === 'active') === isActive(entry.state)) found.push(entry);
    }
    const page = found.slice(0, limit);
    return { rentals: page.map((entry) => entry.state), next_cursor: found.length > limit ? String(page.at(-1)!.seq) : null };
  }

  /** Resolves at the rental's next event, or with the signal's end. */
  async changed(gpuId: string, signal: AbortSignal): Promise<void> {
    const waiting = this.#waiting.get(gpuId) ?? new Set();
    this.#waiting.set(gpuId, waiting);
    await new Promise<void>((resolve) => {
      const done = () => {
        signal.removeEventListener('abort', done);
        waiting.delete(done);
        if (waiting.size === 0) this.#waiting.delete(gpuId);
        resolve();
      };
      waiting.add(done);
      signal.addEventListener('abort', done);
      if (signal.aborted) done();
    });
  }

  #add(entry: Entry): void {
    const { gpu_id, user_id } = entry.state.terms;
    this.#byId.set(gpu_id, entry);
    this.#all.push(entry);
    this.#unsettled.set(gpu_id, entry);
    const own = this.#byUser.get(user_id);
    if (own === undefined) this.#byUser.set(user_id, [entry]);
    else own.push(entry);
  }

  #change(entry: Entry, state: KnownRental): void {
    // Nothing needs the variables of a rental that is over, and there may be very many of these.
    entry.state = state.status === 'ended' ? { ...state, terms: { ...state.terms, env: {} } } : state;
    if (state.status === 'ended') this.#unsettled.delete(state.terms.gpu_id);
  }
}

export function isActive(state: KnownRental): boolean {
  return state.status === 'pending' || state.status === 'ready';
}

function isRentalEvent(event: KgpuEvent): event is RentalEvent {
  return event.type === 'RentalRequested' || event.type === 'RentalStarted' || event.type === 'RentalEnded' || event.type === 'RentalHardwareFreed';
}

/** Index of the first entry that is not older than the cursor; all of them without one or with one that was never given out. */
function firstBefore(entries: readonly Entry[], cursor: string | null): number {
  const seq = cursor === null || !/^\d{1,15}$/.test(cursor) ? Infinity : Number(cursor);
  let low = 0;
  let high = entries.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (entries[middle]!.seq < seq) low = middle + 1;
    else high = middle;
  }
  return low;
}
