import { Problem } from '@kgpu/contracts';
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { setTimeout as delay } from 'node:timers/promises';
import { WrongRevision } from './event-store.ts';
import { isBusy } from './sqlite-schema.ts';

/** A piece of writing. It checks before it writes: its `WrongRevision` spoils none of the others in the transaction. */
export interface Write<T> {
  /** Characters of JSON, for the bounds. */
  size: number;
  run(transaction: Transaction): T;
}

export interface Transaction {
  /** The last position that is given out: a write raises it. */
  head: number;
  /** Wall-clock time, RFC 3339. */
  recordedAt: string;
}

const maxWaiting = 10_000;
const maxWaitingSize = 256 * 1024 * 1024;
const maxBatch = 1_000;
const maxBatchSize = 8 * 1024 * 1024;

/**
 * Writes of the same turn of the event loop go to disk together, in one transaction with one fsync. Positions are given
 * out under SQLite's write lock, so no reader ever sees one become visible after a later one. A lock that another process
 * holds is waited for without blocking this one.
 */
export class SqliteWriter {
  readonly #database: DatabaseSync;
  readonly #onWritten: (head: number) => void;
  readonly #busyDeadlineMs: number;
  readonly #readHead: StatementSync;
  readonly #writeHead: StatementSync;
  #waiting: Job[] = [];
  #waitingSize = 0;
  #running: Promise<void> | null = null;

  /** `onWritten` hears the new head after every transaction that appended. */
  constructor(database: DatabaseSync, onWritten: (head: number) => void, busyDeadlineMs: number) {
    this.#database = database;
    this.#onWritten = onWritten;
    this.#busyDeadlineMs = busyDeadlineMs;
    this.#readHead = database.prepare('SELECT head FROM log');
    this.#writeHead = database.prepare('UPDATE log SET head = ?');
  }

  write<T>(write: Write<T>): Promise<T> {
    if (this.#waiting.length >= maxWaiting || (this.#waitingSize > 0 && this.#waitingSize + write.size > maxWaitingSize)) {
      return Promise.reject(new Problem('service_unavailable', 'Too many writes wait for the event store', { retry_after_seconds: 1 }));
    }
    return new Promise<T>((resolve, reject) => {
      this.#waiting.push({ write, outcome: { value: undefined }, resolve: resolve, reject });
      this.#waitingSize += write.size;
      this.#running ??= this.#drain();
    });
  }

  /** Resolves when nothing waits any more. */
  async idle(): Promise<void> {
    while (this.#running !== null) await this.#running;
  }

  async #drain(): Promise<void> {
    try {
      while (this.#waiting.length > 0) {
        await new Promise(setImmediate);
        await this.#writeBatch(this.#takeBatch());
      }
    } finally {
      this.#running = null;
    }
  }

  #takeBatch(): Job[] {
    let size = 0;
    let count = 0;
    for (const job of this.#waiting) {
      if (count === maxBatch || (count > 0 && size + job.write.size > maxBatchSize)) break;
      size += job.write.size;
      count++;
    }
    this.#waitingSize -= size;
    return this.#waiting.splice(0, count);
  }

  async #writeBatch(jobs: Job[]): Promise<void> {
    try {
      await retryWhileBusy(() => this.#transact(jobs), this.#busyDeadlineMs);
    } catch (error) {
      for (const job of jobs) job.reject(error);
      return;
    }
    for (const job of jobs) {
      if ('error' in job.outcome) job.reject(job.outcome.error);
      else job.resolve(job.outcome.value);
    }
  }

  #transact(jobs: Job[]): void {
    this.#database.exec('BEGIN IMMEDIATE');
    let before: number;
    let head: number;
    try {
      before = Number(this.#readHead.get()!.head);
      const transaction: Transaction = { head: before, recordedAt: new Date().toISOString() };
      for (const job of jobs) job.outcome = outcomeOf(job, transaction);
      head = transaction.head;
      if (head > before) this.#writeHead.run(head);
      this.#database.exec('COMMIT');
    } catch (error) {
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
      throw error;
    }
    if (head > before) this.#onWritten(head);
  }
}

type Outcome = { value: unknown } | { error: unknown };

interface Job {
  write: Write<unknown>;
  outcome: Outcome;
  resolve(value: unknown): void;
  reject(error: unknown): void;
}

/**
 * Runs `action`, and again with growing pauses while SQLite is locked.
 * @throws Problem `service_unavailable` after `deadlineMs`.
 */
export async function retryWhileBusy<T>(action: () => T, deadlineMs: number): Promise<T> {
  const started = performance.now();
  for (let pauseMs = 1; ; pauseMs = Math.min(pauseMs * 2, 32)) {
    try {
      return action();
    } catch (cause) {
      if (!isBusy(cause)) throw cause;
      if (performance.now() - started > deadlineMs) {
        throw new Problem('service_unavailable', 'The event store is busy', { retry_after_seconds: 1 }, { cause });
      }
    }
    await delay(pauseMs * (0.5 + Math.random()));
  }
}

function outcomeOf(job: Job, transaction: Transaction): Outcome {
  try {
    return { value: job.write.run(transaction) };
  } catch (error) {
    if (error instanceof WrongRevision) return { error };
    throw error;
  }
}
