/** Wakes those who wait for news of a thing. Whoever waits looks for the news themselves: a ring says only that there may be some. */
export class Bell {
  readonly #waiting = new Map<string, Set<() => void>>();

  ring(thing: string): void {
    for (const wake of this.#waiting.get(thing) ?? []) wake();
  }

  /**
   * Listens from now on, so that no news between a look and the wait is missed. Resolves with true when it rang, with false
   * after `deadlineMs` or when the signal is aborted.
   */
  next(thing: string, deadlineMs: number, signal: AbortSignal): Promise<boolean> {
    const waiting = this.#waiting.get(thing) ?? new Set();
    this.#waiting.set(thing, waiting);
    return new Promise((resolve) => {
      const done = (rang: boolean): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', stop);
        waiting.delete(wake);
        if (waiting.size === 0 && this.#waiting.get(thing) === waiting) this.#waiting.delete(thing);
        resolve(rang);
      };
      const wake = (): void => done(true);
      const stop = (): void => done(false);
      const timer = setTimeout(stop, deadlineMs);
      signal.addEventListener('abort', stop);
      waiting.add(wake);
      if (signal.aborted) stop();
    });
  }
}
