import { ContainerGone } from './compute.ts';
import type { Compute, ExecSession } from './compute.ts';

/** Thrown when the queue is full: nothing was done, the caller may come again. */
export class ExecQueueFull extends Error {
  override readonly name = 'ExecQueueFull';
}

/** More than that at once, and an engine on two cores serves none of them sooner. */
const mostInParallel = 4;
/** A container that doesn't answer must not keep the others waiting. */
const longestHoldMs = 5_000;

/**
 * Lets few commands begin at once: an engine that is asked for fifty serves none of them sooner, and more than about
 * four on two cores only make each other slow. A place is held while a command begins, not while it runs, and for 5 s
 * at most.
 */
export class ExecQueue {
  #busy = 0;
  readonly #waiting: (() => void)[] = [];

  /** `parallel` may be changed at any time. */
  constructor(public parallel = mostInParallel, readonly maxWaiting = 1_000, readonly holdMs = longestHoldMs) {}

  /** Resolves with the function that gives the place back (a repeat does nothing). Throws `ExecQueueFull`. */
  async enter(): Promise<() => void> {
    if (this.#busy < this.parallel) this.#busy += 1;
    else await this.#wait();
    let held = true;
    const leave = () => {
      clearTimeout(timer);
      if (held) this.#leave();
      held = false;
    };
    const timer = setTimeout(leave, this.holdMs);
    return leave;
  }

  #wait(): Promise<void> {
    if (this.#waiting.length >= this.maxWaiting) throw new ExecQueueFull(`${this.maxWaiting} commands wait to begin already`);
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** Waiting ones take the place over, so that nobody slips in between. */
  #leave(): void {
    this.#busy -= 1;
    while (this.#busy < this.parallel && this.#waiting.length > 0) {
      this.#busy += 1;
      this.#waiting.shift()!();
    }
  }
}

const queues = new WeakMap<object, ExecQueue>();

/** Divides the places of an engine among so many processes that use it; each has one at least. */
export function shareQueueOf(engine: object, processes: number): void {
  queueOf(engine).parallel = Math.max(1, Math.floor(mostInParallel / processes));
}

/** The queue of an engine: all that use the same `Compute` share one. */
export function queueOf(engine: object): ExecQueue {
  const queue = queues.get(engine) ?? new ExecQueue();
  queues.set(engine, queue);
  return queue;
}

/** The engine refused or didn't answer: whether the command began is unknown. */
export class EngineError extends Error {
  override readonly name = 'EngineError';
}

/** `compute.exec` with a deadline: a session that comes after it is closed. Throws `ContainerGone`, `EngineError`. */
export async function execWithin(compute: Compute, gpuId: string, argv: readonly string[], deadlineMs: number): Promise<ExecSession> {
  const starting = compute.exec(gpuId, argv);
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new EngineError(`the engine did not begin a command within ${deadlineMs} ms`)), deadlineMs);
  try {
    return await Promise.race([starting, late.promise]);
  } catch (error) {
    void starting.then((session) => session.close(), () => {});
    if (error instanceof ContainerGone || error instanceof EngineError) throw error;
    throw new EngineError(error instanceof Error ? error.message : String(error), { cause: error });
  } finally {
    clearTimeout(timer);
  }
}
