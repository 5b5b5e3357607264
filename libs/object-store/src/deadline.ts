import { Problem } from '@kgpu/contracts';
import type { CallOptions } from './object-store.ts';

const defaultMs = 5_000;

/**
 * How long a store may keep us waiting in one call. It runs from the start; `pause` while the caller has the word (reads
 * slowly, sends slowly), `resume` when it is the store's turn again. Its signal aborts when the time is over, the caller
 * gives up, or the call has failed on our side.
 */
export class Deadline {
  readonly #stop = new AbortController();
  readonly #timer: NodeJS.Timeout;
  readonly #callersSignal: AbortSignal | undefined;
  readonly #giveUp = (): void => this.fail(this.#callersSignal?.reason);
  #paused = false;

  /** `extraMs`: what this call may take longer than others. */
  constructor({ signal, deadlineMs = defaultMs }: CallOptions = {}, extraMs = 0) {
    this.#timer = setTimeout(() => this.#expire(deadlineMs), deadlineMs + extraMs);
    this.#callersSignal = signal;
    if (signal?.aborted) this.#giveUp();
    signal?.addEventListener('abort', this.#giveUp, { once: true });
  }

  get signal(): AbortSignal {
    return this.#stop.signal;
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.#timer.refresh();
  }

  /** Ends the call with this error, whatever the store still says. */
  fail(error: unknown): void {
    this.#stop.abort(error);
  }

  /** The work's outcome, or why there is none, at once: also of work that doesn't hear the signal. */
  async race<T>(work: Promise<T>): Promise<T> {
    const { signal } = this;
    work.catch(() => {});
    signal.throwIfAborted();
    const { promise: stopped, reject } = Promise.withResolvers<never>();
    const stop = (): void => reject(signal.reason);
    signal.addEventListener('abort', stop);
    try {
      return await Promise.race([work, stopped]);
    } finally {
      signal.removeEventListener('abort', stop);
    }
  }

  /** The call is over. */
  end(): void {
    clearTimeout(this.#timer);
    this.#callersSignal?.removeEventListener('abort', this.#giveUp);
  }

  #expire(deadlineMs: number): void {
    if (this.#paused) return;
    this.fail(new Problem('object_store_unavailable', `The object store did not answer within ${deadlineMs / 1_000} s`, { retry_after_seconds: 5 }));
  }
}

/** Runs one call under its deadline. */
export async function withDeadline<T>(options: CallOptions | undefined, work: (deadline: Deadline) => Promise<T>, extraMs = 0): Promise<T> {
  const deadline = new Deadline(options, extraMs);
  try {
    return await deadline.race(work(deadline));
  } catch (error) {
    throw deadline.signal.aborted ? deadline.signal.reason : error;
  } finally {
    deadline.end();
  }
}
