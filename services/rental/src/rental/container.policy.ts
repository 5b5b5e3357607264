/**
 * Looks after the containers: makes what is, what the recorded rentals say should be. Driven by state and not by events, so that
 * a crash at any instant is healed by looking again. Every step may be repeated.
 */
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { EndRunsOfGpu } from '@kgpu/contracts';
import { hasDriveMounts, type Compute, type ContainerStatus } from '@kgpu/compute';
import { settledWithin, type ServiceContext } from '@kgpu/runtime';
import type { Slots } from '../node/slots.ts';
import { rentalToken } from './rental-token.ts';
import type { RentalRecord } from './rental-record.ts';
import type { KnownRental } from './rental.ts';
import type { Rentals } from './rentals.projection.ts';

/** An image that isn't there after this long won't come. */
const START_LIMIT_MS = 30 * 60_000;
/** How long the runs of a returned GPU get to end and be recorded, beyond the grace of their SIGTERM. */
const DRAIN_MARGIN_MS = 10_000;
const FIRST_LOOK_MS = 25;
const SLOWEST_LOOK_MS = 1_000;
/** What an engine still does for us when the process ends; the next start looks again at all of it. */
const CLOSE_DEADLINE_MS = 1_500;

type Pending = Extract<KnownRental, { status: 'pending' }>;
type Ending = Extract<KnownRental, { status: 'ending' | 'ended' }>;

export class ContainerPolicy {
  readonly #busy = new Set<string>();
  readonly #stop = new AbortController();
  readonly #work = new Set<Promise<void>>();

  constructor(
    private readonly context: ServiceContext,
    private readonly compute: Compute,
    private readonly rentals: Rentals,
    private readonly record: RentalRecord,
    private readonly slots: Slots,
  ) {}

  /** Does what one rental needs next, unless somebody is at it; errors are logged and healed by the next look. */
  settle(gpuId: string): void {
    if (this.#busy.has(gpuId) || this.#stop.signal.aborted) return;
    const rental = this.rentals.get(gpuId);
    if (rental === undefined || rental.status === 'ended' || rental.status === 'ready') return;
    this.#busy.add(gpuId);
    const work = this.#step(rental)
      .then((moved) => moved, (error: unknown) => {
        if (!this.#stop.signal.aborted) this.context.log.warn({ err: error, gpu_id: gpuId }, 'the container could not be brought to its state; trying again');
        return false;
      })
      .then((moved) => {
        this.#busy.delete(gpuId);
        this.#work.delete(work);
        if (moved) this.settle(gpuId);
      });
    this.#work.add(work);
  }

  /** Everything that isn't as it should be. */
  settleAll(): void {
    for (const rental of this.rentals.unsettled()) this.settle(rental.terms.gpu_id);
  }

  async close(): Promise<void> {
    this.#stop.abort(new Error('closing'));
    await settledWithin(CLOSE_DEADLINE_MS, Promise.all(this.#work));
  }

  /** True when the rental has moved on and may need a next step at once. */
  async #step(rental: KnownRental): Promise<boolean> {
    switch (rental.status) {
      case 'pending':
        return this.#bringUp(rental);
      case 'ending':
        return this.#takeDown(rental);
      case 'ready':
      case 'ended':
        return false;
    }
  }

  async #bringUp(rental: Pending): Promise<boolean> {
    const { terms } = rental;
    const apiBase = await this.context.rentalApiBase();
    await this.compute.create({ gpuId: terms.gpu_id, userId: terms.user_id, node: terms.node, image: terms.image, env: this.#environment(rental, apiBase) });
    const status = await this.#whenStarted(terms.gpu_id);
    if (status === null) return true;
    if (status.state === 'ready') {
      await this.record.record(terms.gpu_id, { type: 'Start', warning: status.warning ?? null }, { commitId: `start:${terms.gpu_id}` });
    } else {
      const message = status.message ?? `the container is ${status.state}`;
      await this.record.record(terms.gpu_id, { type: 'End', reason: 'start_failed', at: null, message }, { commitId: `start-failed:${terms.gpu_id}` });
    }
    return true;
  }

  /** The status once it is decided; null when the rental is no longer pending (it was returned meanwhile). */
  async #whenStarted(gpuId: string): Promise<ContainerStatus | null> {
    const begun = performance.now();
    for (let pause = FIRST_LOOK_MS; ; pause = Math.min(pause * 2, SLOWEST_LOOK_MS)) {
      if (this.rentals.get(gpuId)?.status !== 'pending') return null;
      const status = await this.compute.status(gpuId);
      if (status.state !== 'starting') return status;
      if (performance.now() - begun > START_LIMIT_MS) return { gpuId, state: 'start_failed', message: `not ready within 30 minutes (${status.message ?? 'no reason known'})` };
      await sleep(pause, undefined, { signal: this.#stop.signal });
    }
  }

  async #takeDown({ terms, startedAt, reason }: Ending): Promise<boolean> {
    const { gpu_id, node } = terms;
    if (startedAt !== null) {
      await this.#endRuns(gpu_id);
      // The drives of a suspended user refuse every token at once: waiting for them would be in vain.
      if (reason !== 'user_suspended') await this.#unmountDrives(gpu_id);
    }
    await this.compute.destroy(gpu_id);
    await this.slots.free(node, gpu_id);
    await this.record.record(gpu_id, { type: 'FreeHardware' }, { commitId: `freed:${gpu_id}` });
    return false;
  }

  /** Lets the runs end and their output be recorded. A runner that is down or hangs must not keep the hardware. */
  async #endRuns(gpuId: string): Promise<void> {
    const deadlineMs = this.context.config.KGPU_STOP_GRACE + DRAIN_MARGIN_MS;
    try {
      await this.#unlessStopped(this.context.bus.ask(EndRunsOfGpu, { command_id: `end-runs:${gpuId}`, gpu_id: gpuId }, { requestId: `end-runs-${gpuId}`, deadlineMs }));
    } catch (error) {
      this.#stop.signal.throwIfAborted(); // the next start ends them
      this.context.log.warn({ err: error, gpu_id: gpuId }, 'the runs did not end in time; the container goes all the same');
    }
  }

  /** What was written last reaches the drives. They, or a rental that hangs, must not keep the hardware for longer than the grace. */
  async #unmountDrives(gpuId: string): Promise<void> {
    if (!hasDriveMounts(this.compute)) return;
    const graceMs = this.context.config.KGPU_FLUSH_GRACE;
    if (await this.compute.unmountDrives(gpuId, graceMs, this.#stop.signal)) return;
    this.context.log.warn({ gpu_id: gpuId, grace_ms: graceMs }, 'what the rental wrote last could not be uploaded to its drives in time; the container goes all the same');
  }

  async #unlessStopped(work: Promise<unknown>): Promise<void> {
    const settled = new AbortController();
    const stopped = once(this.#stop.signal, 'abort', { signal: settled.signal }).then(() => this.#stop.signal.throwIfAborted());
    try {
      await Promise.race([work, stopped]);
    } finally {
      settled.abort();
      await stopped.catch(() => {});
    }
  }

  #environment({ terms }: Pending, apiBase: string): Record<string, string> {
    return {
      NVIDIA_VISIBLE_DEVICES: 'all',
      NVIDIA_DRIVER_CAPABILITIES: 'compute,utility',
      ...terms.env,
      KGPU_GPU_ID: terms.gpu_id,
      KGPU_API_TOKEN: rentalToken(this.context.secret, terms.gpu_id),
      KGPU_API_BASE: apiBase,
    };
  }
}
