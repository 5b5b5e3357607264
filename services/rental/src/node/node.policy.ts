/**
 * Looks at what the engine really runs, on a slow tick: rentals whose container is gone end as lost, containers and slots
 * that belong to no rental go. What the log says wins over what a crash left behind.
 */
import type { EndReason } from '@kgpu/contracts';
import type { Compute, ContainerStatus } from '@kgpu/compute';
import type { ServiceContext } from '@kgpu/runtime';
import type { RentalRecord } from '../rental/rental-record.ts';
import type { KnownRental } from '../rental/rental.ts';
import type { Rentals } from '../rental/rentals.projection.ts';
import type { Nodes } from './nodes.ts';
import type { Slots } from './slots.ts';

/** An engine that is restarting may list nothing for a moment: absent must be seen again after this long. */
const ABSENT_MS = 30_000;
/** A container without a rental may belong to one that another process has recorded just now. */
const STRAY_MS = 120_000;
/** A slot without a rental may belong to a rent that is being recorded: longer than any request waits for that. */
const STRAY_SLOT_MS = 15_000;

export class NodePolicy {
  /** Since when (monotonic ms) a thing has looked wrong: absent containers, stray containers, stray slots. */
  readonly #wrongSince = new Map<string, number>();

  constructor(
    private readonly context: ServiceContext,
    private readonly compute: Compute,
    private readonly rentals: Rentals,
    private readonly record: RentalRecord,
    private readonly nodes: Nodes,
    private readonly slots: Slots,
  ) {}

  /** One look; `now` in monotonic milliseconds. Throws when the engine can't be reached: then nothing is concluded. */
  async look(now: number): Promise<void> {
    const containers = new Map((await this.compute.list()).map((status) => [status.gpuId, status]));
    const wrong = new Set<string>();
    for (const rental of this.rentals.unsettled()) if (rental.status === 'ready') await this.#checkReady(rental, containers.get(rental.terms.gpu_id), now, wrong);
    for (const { gpuId } of containers.values()) await this.#checkContainer(gpuId, now, wrong);
    for (const { node, gpuId } of this.nodes.holders()) await this.#checkSlot(node, gpuId, now, wrong);
    for (const key of this.#wrongSince.keys()) if (!wrong.has(key)) this.#wrongSince.delete(key);
  }

  async #checkReady({ terms }: KnownRental, container: ContainerStatus | undefined, now: number, wrong: Set<string>): Promise<void> {
    const { gpu_id } = terms;
    if (container?.state === 'ready' || container?.state === 'starting') return;
    if (container === undefined || container.state === 'absent') {
      if (this.#lasting(`absent:${gpu_id}`, ABSENT_MS, now, wrong)) await this.#end(gpu_id, 'lost', 'The container is gone.');
    } else {
      // Nobody pays for the hours in which kgpu was down and the container no longer ran.
      const at = container.endedAt === undefined ? null : this.context.clock.fromWall(container.endedAt);
      await this.#end(gpu_id, 'lost', `The container ended by itself: ${container.message ?? container.state}.`, at);
    }
  }

  async #checkContainer(gpuId: string, now: number, wrong: Set<string>): Promise<void> {
    const rental = this.rentals.get(gpuId);
    if (rental !== undefined && rental.status !== 'ended') return;
    if (rental === undefined && !this.#lasting(`stray:${gpuId}`, STRAY_MS, now, wrong)) return;
    this.context.log.warn({ gpu_id: gpuId }, 'a container without a rental was found; it goes');
    await this.compute.destroy(gpuId);
  }

  async #checkSlot(node: string, gpuId: string, now: number, wrong: Set<string>): Promise<void> {
    const rental = this.rentals.get(gpuId);
    if (rental !== undefined && rental.status !== 'ended') return;
    if (!this.#lasting(`slot:${gpuId}`, STRAY_SLOT_MS, now, wrong)) return;
    this.context.log.warn({ gpu_id: gpuId, node }, 'a slot without a rental was found; it is freed');
    await this.slots.free(node, gpuId);
  }

  async #end(gpuId: string, reason: EndReason, message: string, at: Date | null = null): Promise<void> {
    await this.record.record(gpuId, { type: 'End', reason, at, message }, { commitId: `${reason}:${gpuId}` });
  }

  /** Whether `key` has been wrong at every look for at least `forMs`. */
  #lasting(key: string, forMs: number, now: number, wrong: Set<string>): boolean {
    wrong.add(key);
    const since = this.#wrongSince.get(key) ?? now;
    this.#wrongSince.set(key, since);
    return now - since >= forMs;
  }
}
