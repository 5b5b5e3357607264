import { setTimeout as delay } from 'node:timers/promises';

/** Looks again and again until `look` gives something truthy, and returns it. Throws an Error that says `what` after the deadline. */
export async function until<T>(what: string, look: () => Promise<T> | T, deadlineMs = 15_000): Promise<NonNullable<T>> {
  const deadline = performance.now() + deadlineMs;
  for (;;) {
    const found = await look();
    if (found) return found;
    if (performance.now() > deadline) throw new Error(`waited ${deadlineMs} ms in vain until ${what}`);
    await delay(20);
  }
}
