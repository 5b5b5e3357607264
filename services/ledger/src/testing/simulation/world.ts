/** Everything around the ledger: the log, people who register, rent, run and return, and the rental service that is asked to end rentals. */
import { EndRental, eventCodec, type EndReason, type KgpuEvent, type Message, type ReplyOf, type RequestOf } from '@kgpu/contracts';
import { MemoryEventStore, MemoryLog } from '@kgpu/event-store';
import type { Bus } from '@kgpu/runtime';
import type { VirtualClock } from './virtual-time.ts';

export interface WorldRental {
  gpuId: string;
  userId: number;
  price: number;
  startedAt: number;
  expiresAt: number;
  /** When its renter has returned it. */
  returnedAt: number | null;
  ended: boolean;
  runs: WorldRun[];
}

export interface WorldRun {
  runId: string;
  from: number;
  to: number | null;
}

export class World {
  readonly log = new MemoryLog();
  readonly store = new MemoryEventStore(this.log);
  readonly rentals: WorldRental[] = [];
  #runs = 0;

  constructor(readonly clock: VirtualClock) {}

  async register(userId: number): Promise<void> {
    await this.#record('directory', { type: 'UserRegistered', data: { user_id: userId, email: `u${userId}@lab.example`, name: 'U', role: 'user', status: 'active', at: this.#now } });
  }

  async rent(userId: number, price: number, minutes: number): Promise<void> {
    const gpuId = `gpu-${userId}-260517010000-${this.rentals.length.toString(16).padStart(8, '0')}`;
    const ids = { gpu_id: gpuId, user_id: userId };
    await this.#record(`rental-${gpuId}`, { type: 'RentalRequested', data: {
      ...ids, name: gpuId, image: 'debian:12', env: {}, node: 'here', gpu_model: `at-${price}`, price_per_hour_credits: price, duration_seconds: minutes * 60, token_hash: 'x', at: this.#now,
    } });
    const expiresAt = this.clock.ms + minutes * 60_000;
    this.rentals.push({ gpuId, userId, price, startedAt: this.clock.ms, expiresAt, returnedAt: null, ended: false, runs: [] });
    await this.#record(`rental-${gpuId}`, { type: 'RentalStarted', data: { ...ids, price_per_hour_credits: price, expires_at: new Date(expiresAt).toISOString(), warning: null, at: this.#now } });
  }

  async return(pick: number): Promise<void> {
    const rental = picked(this.rentals.filter(({ ended }) => !ended), pick);
    if (rental === undefined) return;
    rental.returnedAt = this.clock.ms;
    await this.#end(rental, 'returned', this.clock.ms);
  }

  async run(pick: number): Promise<void> {
    const rental = picked(this.rentals.filter(({ ended }) => !ended), pick);
    if (rental === undefined) return;
    const runId = `run-${rental.userId}-260517010000-${(this.#runs++).toString(16).padStart(8, '0')}`;
    rental.runs.push({ runId, from: this.clock.ms, to: null });
    await this.#record(`run-${runId}`, { type: 'RunRequested', data: {
      run_id: runId, gpu_id: rental.gpuId, user_id: rental.userId, name: null, command: ['true'], env: {}, cwd: null, timeout_seconds: null, runner: null, at: this.#now,
    } });
  }

  async endRun(pick: number): Promise<void> {
    const active = this.rentals.flatMap((rental) => rental.runs.filter(({ to }) => to === null).map((run) => ({ rental, run })));
    const found = picked(active, pick);
    if (found !== undefined) await this.#endRun(found.rental, found.run);
  }

  /** What the rental service answers; `deed` decides whether the asker lives to hear it. */
  bus(deed: <T>(act: () => Promise<T>) => Promise<T>): Bus {
    const ask = <M extends Message>(message: M, request: RequestOf<M>): Promise<ReplyOf<M>> => {
      if (message.subject !== EndRental.subject) throw new Error(`${message.subject} is not answered here`);
      return deed(async () => ({ position: await this.#endByLedger(request as RequestOf<typeof EndRental>) }) as unknown as ReplyOf<M>);
    };
    return { ask, ping: async () => 0 };
  }

  async #endByLedger({ gpu_id, reason, at }: RequestOf<typeof EndRental>): Promise<number> {
    const rental = this.rentals.find(({ gpuId }) => gpuId === gpu_id)!;
    if (!rental.ended) await this.#end(rental, reason, Math.max(rental.startedAt, Math.min(Date.parse(at!), this.clock.ms)));
    return this.log.head;
  }

  async #end(rental: WorldRental, reason: EndReason, at: number): Promise<void> {
    rental.ended = true;
    await this.#record(`rental-${rental.gpuId}`, { type: 'RentalEnded', data: { gpu_id: rental.gpuId, user_id: rental.userId, reason, message: null, at: new Date(at).toISOString() } });
    for (const run of rental.runs) if (run.to === null) await this.#endRun(rental, run);
  }

  async #endRun(rental: WorldRental, run: WorldRun): Promise<void> {
    run.to = this.clock.ms;
    await this.#record(`run-${run.runId}`, { type: 'RunEnded', data: {
      run_id: run.runId, gpu_id: rental.gpuId, user_id: rental.userId, exit_code: 0, signal: null, reason: null, message: null, elapsed_seconds: 1, stdout_bytes: 0,
      stderr_bytes: 0, output_truncated: false, at: this.#now,
    } });
  }

  async #record(stream: string, event: KgpuEvent): Promise<void> {
    await this.store.append(stream, [eventCodec.encode(event)], { expected: 'any', commitId: `${event.type}:${this.log.head}` });
  }

  get #now(): string {
    return this.clock.now().toISOString();
  }
}

function picked<T>(from: readonly T[], pick: number): T | undefined {
  return from[pick % Math.max(1, from.length)];
}
