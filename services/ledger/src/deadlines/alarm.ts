import type { Clock } from '@kgpu/runtime';

/** Rings once, at the last instant that it was set to. */
export interface Alarm {
  set(at: number, ring: () => void): void;
  clear(): void;
}

/** What setTimeout takes; longer waits are made of several. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** Follows the business clock. */
export class ClockAlarm implements Alarm {
  #timer: NodeJS.Timeout | null = null;

  constructor(private readonly clock: Clock) {}

  set(at: number, ring: () => void): void {
    this.clear();
    const waitMs = Math.ceil(this.clock.wallMsUntil(new Date(at)));
    this.#timer = waitMs > LONGEST_TIMER_MS ? setTimeout(() => this.set(at, ring), LONGEST_TIMER_MS) : setTimeout(ring, waitMs);
  }

  clear(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }
}
