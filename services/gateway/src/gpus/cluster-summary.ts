/** The cluster as everybody may see it: asked for at most once a second however many look, and anew after every change. */
import { GetCluster, type Cluster, type KgpuEvent } from '@kgpu/contracts';
import type { Asker, Parts } from '../http/parts.ts';

const FRESH_MS = 1_000;

interface Look {
  at: number;
  /** The answer knows the log at least up to here. */
  position: number;
  cluster: Promise<Cluster>;
}

export class ClusterSummary {
  #last: Look | null = null;

  constructor(private readonly parts: Parts) {}

  /** Whatever happens to a rental changes what is busy. */
  apply(event: KgpuEvent): void {
    if (event.type.startsWith('Rental')) this.#last = null;
  }

  get(asker: Asker): Promise<Cluster> {
    const position = this.parts.lastWritten(asker);
    const last = this.#last;
    if (last !== null && performance.now() - last.at < FRESH_MS && last.position >= position) return last.cluster;
    const look: Look = { at: performance.now(), position, cluster: this.parts.ask(GetCluster, {}, asker) };
    this.#last = look;
    look.cluster.catch(() => {
      if (this.#last === look) this.#last = null;
    });
    return look.cluster;
  }
}
