import type { Writable } from 'node:stream';

const fastestMs = 4;
const slowestMs = 500;
/** A look comes at the latest after this part of the silence: what was quiet for 4 s is heard after 100 ms. */
const partOfSilence = 1 / 40;

/** How long to wait for the next look when nothing has come for so long. */
export function paceMs(silenceMs: number): number {
  return Math.min(Math.max(silenceMs * partOfSilence, fastestMs), slowestMs);
}

/**
 * Paces a follower: one line on its stdin is one look at the output. Quick after output, slower the longer it is quiet,
 * so that a command that is silent for hours costs next to nothing.
 */
export class Ticker {
  #timer: NodeJS.Timeout | null = null;
  #timerAt = 0;
  #heardAt = performance.now();
  #dueAt = 0;

  constructor(private readonly stdin: Writable) {
    this.#lookAt(this.#heardAt + fastestMs);
  }

  /** Something came: look again soon after it. Costs next to nothing: it may come 20,000 times a second. */
  heard(): void {
    this.#heardAt = performance.now();
    this.#dueAt = this.#heardAt + fastestMs;
    if (this.#timer !== null && this.#timerAt > this.#dueAt) this.#lookAt(this.#dueAt);
  }

  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  #lookAt(dueAt: number): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#dueAt = dueAt;
    this.#timerAt = dueAt;
    this.#timer = setTimeout(() => this.#tick(), Math.max(1, dueAt - performance.now()));
  }

  /** A follower that doesn't take its ticks (a frozen container) gets no more of them. */
  #tick(): void {
    const now = performance.now();
    if (this.#dueAt > now + 0.5) return this.#lookAt(this.#dueAt); // something has come meanwhile
    if (this.stdin.destroyed) return this.stop();
    if (this.stdin.writableLength === 0) this.stdin.write('\n');
    this.#lookAt(now + paceMs(now - this.#heardAt));
  }
}
