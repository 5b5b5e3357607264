/** Forgets what idempotency keys stood for once they have been kept for a day. */
import type { ForgettingEventStore } from '@kgpu/event-store';
import type { Logger } from 'pino';

const KEPT_MS = 24 * 3_600_000;
const LOOK_MS = 10 * 60_000;
const AT_ONCE = 500;

export class ForgetRequests {
  readonly #timer: NodeJS.Timeout;
  #sweeping: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(
    private readonly expiring: ForgettingEventStore,
    private readonly log: Logger,
  ) {
    this.#timer = setInterval(() => this.#start(), LOOK_MS).unref();
    this.#start();
  }

  /** Forgets everything that was recorded a day before `now` (wall clock, as the store stamps it) or earlier. */
  async sweep(now: Date): Promise<void> {
    const before = new Date(now.getTime() - KEPT_MS);
    while (!this.#closed && (await this.expiring.expire('request', before, AT_ONCE)) === AT_ONCE);
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#timer);
    await this.#sweeping;
  }

  #start(): void {
    this.#sweeping = this.#sweeping.then(() => this.sweep(new Date())).catch((error: unknown) => {
      this.log.warn({ err: error }, 'answered requests could not be forgotten; trying again later');
    });
  }
}
