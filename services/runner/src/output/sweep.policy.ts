/** Takes away output that is older than its retention; the runs' own history stays. */
import type { ServiceContext } from '@kgpu/runtime';

const EVERY_MS = 3_600_000;
const BATCH = 500;

export class SweepPolicy {
  #timer: NodeJS.Timeout | null = null;
  #sweeping: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(private readonly context: ServiceContext) {}

  start(): void {
    this.#sweeping = this.#sweep();
    this.#timer = setInterval(() => {
      this.#sweeping = this.#sweep();
    }, EVERY_MS);
  }

  async close(): Promise<void> {
    this.#closed = true;
    if (this.#timer !== null) clearInterval(this.#timer);
    await this.#sweeping;
  }

  /** By the wall clock: retention is a matter of disks, not of business. */
  async #sweep(): Promise<void> {
    const before = new Date(Date.now() - this.context.config.KGPU_OUTPUT_RETENTION);
    try {
      while (!this.#closed && (await this.context.expiring.expire('runoutput', before, BATCH)) === BATCH);
    } catch (error) {
      this.context.log.warn({ err: error }, 'old output could not be taken away; trying again in an hour');
    }
  }
}
