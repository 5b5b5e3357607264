/**
 * Returns GPUs at their deadlines: the end of the duration, and the first minute that can't be paid. Deadlines are computed
 * from facts, one timer waits for the earliest, and the end is stamped at the deadline however late it is asked for.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { EndRental } from '@kgpu/contracts';
import type { Projection, ServiceContext } from '@kgpu/runtime';
import type { Accounts } from './account/accounts.projection.ts';
import type { Deadline } from './account/deadlines.ts';

/** What setTimeout takes; longer waits are made of several. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;
const FIRST_RETRY_MS = 250;
const SLOWEST_RETRY_MS = 10_000;

export class AutoReturnPolicy {
  /** The next deadline of each user with running rentals. */
  readonly #deadlines = new Map<number, Deadline>();
  readonly #changed = new Set<number>();
  readonly #returning = new Map<string, Promise<void>>();
  readonly #stop = new AbortController();
  #timer: NodeJS.Timeout | null = null;
  #looking: NodeJS.Immediate | null = null;

  constructor(
    private readonly context: ServiceContext,
    private readonly accounts: Accounts,
    private readonly projection: Projection,
  ) {}

  /** From here on deadlines are kept; before, the facts are not complete. */
  start(): void {
    for (const userId of this.accounts.usersWithRunning()) this.changed(userId);
  }

  /** The facts of a user have changed. Many changes in a row are looked at once. */
  changed(userId: number): void {
    this.#changed.add(userId);
    if (!this.#stop.signal.aborted) this.#looking ??= setImmediate(() => this.#look());
  }

  async close(): Promise<void> {
    this.#stop.abort(new Error('closing'));
    if (this.#timer !== null) clearTimeout(this.#timer);
    if (this.#looking !== null) clearImmediate(this.#looking);
    await Promise.all(this.#returning.values());
  }

  #look(): void {
    this.#looking = null;
    for (const userId of this.#changed) {
      const deadline = this.accounts.deadline(userId);
      if (deadline === null) this.#deadlines.delete(userId);
      else this.#deadlines.set(userId, deadline);
    }
    this.#changed.clear();
    this.#returnDue();
  }

  #returnDue(): void {
    if (this.#stop.signal.aborted) return;
    if (this.#timer !== null) clearTimeout(this.#timer);
    let nextMs = Infinity;
    for (const [userId, deadline] of this.#deadlines) {
      const waitMs = this.context.clock.wallMsUntil(deadline.at);
      if (waitMs <= 0) this.#return(userId, deadline);
      else nextMs = Math.min(nextMs, waitMs);
    }
    this.#timer = nextMs === Infinity ? null : setTimeout(() => this.#returnDue(), Math.min(Math.ceil(nextMs), LONGEST_TIMER_MS));
  }

  #return(userId: number, { gpuId }: Deadline): void {
    if (this.#returning.has(gpuId)) return;
    const work = this.#untilReturned(userId, gpuId).finally(() => {
      this.#returning.delete(gpuId);
      this.changed(userId);
    });
    this.#returning.set(gpuId, work);
  }

  /** Asks until it is done, or until the deadline has moved (a grant came meanwhile, or somebody else returned it). */
  async #untilReturned(userId: number, gpuId: string): Promise<void> {
    for (let retryMs = FIRST_RETRY_MS; !this.#stop.signal.aborted; retryMs = Math.min(retryMs * 2, SLOWEST_RETRY_MS)) {
      const deadline = this.accounts.deadline(userId);
      if (deadline?.gpuId !== gpuId || this.context.clock.wallMsUntil(deadline.at) > 0) return;
      try {
        await this.#ask(deadline);
        return;
      } catch (error) {
        if (this.#stop.signal.aborted) return;
        this.context.log.warn({ err: error, gpu_id: gpuId }, 'the GPU could not be returned at its deadline; trying again');
        await sleep(retryMs, undefined, { signal: this.#stop.signal }).catch(() => undefined);
      }
    }
  }

  async #ask({ gpuId, at, reason }: Deadline): Promise<void> {
    const commandId = `autoreturn:${gpuId}`;
    const { position } = await this.context.bus.ask(
      EndRental,
      { command_id: commandId, gpu_id: gpuId, user_id: null, reason, at: at.toISOString(), message: null },
      { requestId: `autoreturn-${gpuId}` },
    );
    await this.projection.reached(position);
  }
}
