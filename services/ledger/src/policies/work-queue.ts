import { setTimeout as sleep } from 'node:timers/promises';
import { Problem } from '@kgpu/contracts';
import type { Logger } from 'pino';

const AT_ONCE = 32;
const FIRST_RETRY_MS = 250;
const SLOWEST_RETRY_MS = 10_000;

/**
 * Work that has to be done some time, whoever is down now: one piece for each key, a bounded number at once, each tried again
 * until it goes through. A piece looks by itself at what is still to be done.
 */
export class WorkQueue {
  readonly #waiting = new Map<string, () => Promise<void>>();
  readonly #running = new Map<string, Promise<void>>();
  /** Asked for again while it was under way: what it has looked at may have changed since. */
  readonly #again = new Map<string, () => Promise<void>>();
  readonly #stop = new AbortController();

  constructor(private readonly log: Logger) {}

  /** Nothing is under way or waits. */
  get idle(): boolean {
    return this.#waiting.size === 0 && this.#running.size === 0;
  }

  /** Does `work`, unless work of this key waits; once more when it is under way. */
  add(key: string, work: () => Promise<void>): void {
    if (this.#stop.signal.aborted || this.#waiting.has(key)) return;
    if (this.#running.has(key)) {
      this.#again.set(key, work);
      return;
    }
    this.#waiting.set(key, work);
    this.#next();
  }

  /** Begins nothing new; resolves when what is under way has ended. */
  async close(): Promise<void> {
    this.#stop.abort(new Error('closing'));
    this.#waiting.clear();
    this.#again.clear();
    await Promise.all(this.#running.values());
  }

  #next(): void {
    for (const [key, work] of this.#waiting) {
      if (this.#running.size >= AT_ONCE) return;
      this.#waiting.delete(key);
      this.#running.set(key, this.#untilDone(key, work).finally(() => {
        this.#running.delete(key);
        const again = this.#again.get(key);
        this.#again.delete(key);
        if (again === undefined) this.#next();
        else this.add(key, again);
      }));
    }
  }

  async #untilDone(key: string, work: () => Promise<void>): Promise<void> {
    for (let retryMs = FIRST_RETRY_MS; !this.#stop.signal.aborted; retryMs = Math.min(retryMs * 2, SLOWEST_RETRY_MS)) {
      try {
        await work();
        return;
      } catch (error) {
        if (this.#stop.signal.aborted) return;
        const expected = error instanceof Problem && error.status >= 500;
        this.log[expected ? 'warn' : 'error']({ err: error, work: key }, 'could not be done; trying again');
        await sleep(retryMs, undefined, { signal: this.#stop.signal }).catch(() => undefined);
      }
    }
  }
}
