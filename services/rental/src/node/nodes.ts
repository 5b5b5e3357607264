/** The nodes as the engine reports them, with who holds their slots. */
import type { KgpuEvent, NodeEvent, Prices } from '@kgpu/contracts';
import type { Compute, ComputeNode } from '@kgpu/compute';
import { nodeDecider, type NodeState } from './node.ts';

/** Asking hardware costs (`nvidia-smi` takes half a second), and it changes rarely. */
const HARDWARE_MAX_AGE_MS = 10_000;

export interface PricedNode extends ComputeNode {
  gpu_busy: number;
  price_per_hour_credits: number;
}

export class Nodes {
  readonly #states = new Map<string, NodeState>();
  #hardware: Promise<ComputeNode[]> | null = null;
  #askedAt = -Infinity;

  constructor(
    private readonly compute: Compute,
    private readonly prices: Prices,
  ) {}

  apply(event: KgpuEvent): void {
    if (!isNodeEvent(event)) return;
    const { node } = event.data;
    this.#states.set(node, nodeDecider.evolve(this.#states.get(node) ?? nodeDecider.initial, event));
  }

  /** Who holds a slot of each node ever seen. */
  *holders(): Iterable<{ node: string; gpuId: string; since: string }> {
    for (const [node, { holders }] of this.#states) for (const [gpuId, since] of holders) yield { node, gpuId, since };
  }

  async list(): Promise<PricedNode[]> {
    const hardware = await this.#askHardware();
    return hardware.map((node) => ({
      ...node,
      gpu_busy: this.#states.get(node.name)?.holders.size ?? 0,
      price_per_hour_credits: priceOf(this.prices, node.gpu_model),
    }));
  }

  #askHardware(): Promise<ComputeNode[]> {
    const now = performance.now();
    if (this.#hardware === null || now - this.#askedAt > HARDWARE_MAX_AGE_MS) {
      this.#askedAt = now;
      const asked = this.compute.nodes();
      asked.catch(() => { if (this.#hardware === asked) this.#hardware = null; });
      this.#hardware = asked;
    }
    return this.#hardware;
  }
}

/** A model's own price, by its full name or by a word of it (`GB10` for `NVIDIA GB10`); else the default. */
export function priceOf(prices: Prices, model: string): number {
  const words = model.split(/\s+/);
  for (const [name, price] of Object.entries(prices.byModel)) if (name === model || words.includes(name)) return price;
  return prices.default;
}

function isNodeEvent(event: KgpuEvent): event is NodeEvent {
  return event.type === 'SlotTaken' || event.type === 'SlotFreed';
}
