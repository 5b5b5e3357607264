import { setTimeout as delay } from 'node:timers/promises';

const slowestLookMs = 500;

/** Looks until something has ended, ever more rarely. False when the deadline comes first. Throws the signal's reason. */
export async function endsWithin(deadlineMs: number, hasEnded: () => Promise<boolean> | boolean, signal?: AbortSignal): Promise<boolean> {
  const deadline = performance.now() + deadlineMs;
  for (let pauseMs = 10; ; pauseMs = Math.min(pauseMs * 2, slowestLookMs)) {
    signal?.throwIfAborted();
    if (await hasEnded()) return true;
    const leftMs = deadline - performance.now();
    if (leftMs <= 0) return false;
    await delay(Math.min(pauseMs, leftMs), undefined, { signal }).catch(() => {}); // aborted: thrown above
  }
}
