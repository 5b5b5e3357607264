import { Problem } from '@kgpu/contracts';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { checkStart } from './commit.ts';
import type { EventFilter, RecordedEvent, SubscribeOptions, Subscription } from './event-store.ts';

/** A part of the log as an adapter reads it. */
export interface Batch {
  events: RecordedEvent[];
  /** The log has been looked through up to here: at least the position of the last event of `events`. */
  position: number;
  /** There is nothing after `position`, for now. */
  end: boolean;
}

/** What a reader of the log wants of it. */
export type Wanted = EventFilter & Pick<SubscribeOptions, 'withoutData'>;

/** What a subscription needs of its store. */
export interface Log {
  head(): Promise<number>;
  /** At most `limit` events of the filter after `after`; looks through a bounded part of the log. */
  readBatch(after: number, limit: number, filter: Wanted): Promise<Batch>;
}

type Handler = (event: RecordedEvent) => void | Promise<void>;

const batchSize = 500;
const maxStreamsTracked = 10_000;

/** The subscriptions of one store: woken together, polling for what other processes append, stopped together. */
export class Subscriptions {
  readonly #log: Log;
  readonly #pollMs: number;
  readonly #running = new Set<LogSubscription>();

  constructor(log: Log, pollMs = 1_000) {
    this.#log = log;
    this.#pollMs = pollMs;
  }

  start(options: SubscribeOptions, handler: Handler): Subscription {
    const subscription = new LogSubscription(this.#log, options, handler, this.#pollMs);
    this.#running.add(subscription);
    void subscription.finished.then(() => this.#running.delete(subscription));
    return subscription;
  }

  wake(): void {
    for (const subscription of this.#running) subscription.wake();
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#running].map((subscription) => subscription.stop()));
  }
}

class LogSubscription implements Subscription {
  position: number;
  halted: Error | null = null;
  readonly caughtUp: Promise<void>;
  /** Resolves when no event will be handled any more: stopped or halted. */
  readonly finished: Promise<void>;

  readonly #log: Log;
  readonly #filter: Wanted;
  readonly #handler: Handler;
  readonly #pollMs: number;
  readonly #gaps: GapCheck | null;
  readonly #waiters = new Set<Waiter>();
  #stopped = false;
  #woken = false;
  #wakeUp: () => void = () => {};

  constructor(log: Log, options: SubscribeOptions, handler: Handler, pollMs: number) {
    const { after = 0, ...filter } = options;
    this.position = checkStart('after', after);
    this.#log = log;
    this.#filter = filter;
    this.#handler = handler;
    this.#pollMs = pollMs;
    // A filter by type leaves gaps in the revisions by itself.
    this.#gaps = filter.types === undefined ? new GapCheck(after === 0) : null;
    this.caughtUp = log.head().then((head) => this.reached(head));
    this.caughtUp.catch(() => {});
    this.finished = this.#run();
  }

  reached(position: number, signal?: AbortSignal): Promise<void> {
    if (this.position >= position) return Promise.resolve();
    if (this.halted !== null) return Promise.reject(this.halted);
    if (this.#stopped) return Promise.reject(stoppedError());
    if (signal?.aborted) return Promise.reject(signal.reason as Error);
    return new Promise((resolve, reject) => {
      const abort = (): void => {
        this.#waiters.delete(waiter);
        reject(signal!.reason as Error);
      };
      const done = (error?: Error): void => {
        signal?.removeEventListener('abort', abort);
        if (error === undefined) resolve();
        else reject(error);
      };
      const waiter: Waiter = { position, done };
      this.#waiters.add(waiter);
      signal?.addEventListener('abort', abort, { once: true });
    });
  }

  /** The log may have grown. */
  wake(): void {
    this.#woken = true;
    this.#wakeUp();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#release(stoppedError());
    this.#wakeUp();
    await this.finished;
  }

  async #run(): Promise<void> {
    try {
      // Whoever subscribes gets the subscription before its first event.
      await nextTurn();
      while (!this.#stopped) {
        this.#woken = false;
        const batch = await this.#read();
        await this.#handle(batch);
        if (batch.end) await this.#sleep();
        else await nextTurn();
      }
    } catch (cause) {
      this.halted = cause instanceof Error ? cause : new Error(String(cause), { cause });
      this.#release(this.halted);
    }
  }

  async #read(): Promise<Batch> {
    try {
      return await this.#log.readBatch(this.position, batchSize, this.#filter);
    } catch (error) {
      // The store is busy or away for a while: that is no reason to give up.
      if (error instanceof Problem) return { events: [], position: this.position, end: true };
      throw error;
    }
  }

  async #handle(batch: Batch): Promise<void> {
    for (const event of batch.events) {
      if (this.#stopped) return;
      this.#gaps?.check(event, this.position);
      const handled = this.#handler(event);
      // Awaiting what isn't a promise would cost a replay half of its speed.
      if (handled !== undefined) await handled;
      this.#moveTo(event.position);
    }
    if (!this.#stopped) this.#moveTo(batch.position);
  }

  #moveTo(position: number): void {
    if (position <= this.position) return;
    this.position = position;
    if (this.#waiters.size === 0) return;
    for (const waiter of this.#waiters) {
      if (waiter.position > position) continue;
      this.#waiters.delete(waiter);
      waiter.done();
    }
  }

  #sleep(): Promise<void> {
    if (this.#woken || this.#stopped) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#wakeUp(), this.#pollMs);
      this.#wakeUp = () => {
        clearTimeout(timer);
        this.#wakeUp = () => {};
        resolve();
      };
    });
  }

  #release(error: Error): void {
    for (const waiter of this.#waiters) waiter.done(error);
    this.#waiters.clear();
  }
}

interface Waiter {
  position: number;
  done(error?: Error): void;
}

/** Notices events that are missing or out of order, for as many streams as memory is spent on. */
class GapCheck {
  readonly #last = new Map<string, number>();
  #complete: boolean;

  constructor(fromTheStart: boolean) {
    this.#complete = fromTheStart;
  }

  check({ stream, revision, position }: RecordedEvent, previousPosition: number): void {
    if (position <= previousPosition) throw new Error(`the log is broken: position ${position} comes after ${previousPosition}`);
    const last = this.#last.get(stream);
    const expected = last === undefined ? 0 : last + 1;
    // Revision 0 again is a stream whose name was used anew after it was deleted.
    const wrong = revision !== expected && revision !== 0 && (last !== undefined || this.#complete);
    if (wrong) throw new Error(`the log is broken: ${stream} has revision ${revision} at position ${position} where ${expected} belongs`);
    this.#remember(stream, revision, last === undefined);
  }

  #remember(stream: string, revision: number, isNew: boolean): void {
    this.#last.set(stream, revision);
    if (!isNew || this.#last.size <= maxStreamsTracked) return;
    this.#complete = false;
    this.#last.delete(this.#last.keys().next().value!);
  }
}

function stoppedError(): Error {
  return new Error('the subscription was stopped');
}
