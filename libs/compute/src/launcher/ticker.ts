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
  #heardAt = performance.now();

  constructor(private readonly stdin: Writable) {
    this.#schedule();
  }

  /** Something came: look again soon. */
  heard(): void {
    this.#heardAt = performance.now();
    this.#schedule();
  }

  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#schedule = () => {};
  }

  #schedule = (): void => {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#tick(), paceMs(performance.now() - this.#heardAt));
  };

  /** A follower that doesn't take its ticks (a frozen container) gets no more of them. */
  #tick(): void {
    if (this.stdin.destroyed) return;
    if (this.stdin.writableLength === 0) this.stdin.write('\n');
    this.#schedule();
  }
}
