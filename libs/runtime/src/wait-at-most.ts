/**
 * For answers that wait for news (`wait_seconds`): runs `wait` with a signal that ends it after so many seconds, or when this
 * process begins to end. Who waits then gets what is known: a connection cut instead would have them order a second time.
 */
export async function waitAtMost(seconds: number, stopping: AbortSignal, wait: (signal: AbortSignal) => Promise<void>): Promise<void> {
  if (seconds <= 0 || stopping.aborted) return;
  const over = new AbortController();
  const end = () => over.abort();
  const timer = setTimeout(end, seconds * 1_000);
  stopping.addEventListener('abort', end);
  try {
    await wait(over.signal);
  } finally {
    clearTimeout(timer);
    stopping.removeEventListener('abort', end);
  }
}
