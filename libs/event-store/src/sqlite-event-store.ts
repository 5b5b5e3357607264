import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { checkLimit, checkRevision, checkStart, prepareCommit } from './commit.ts';
import type { Commit } from './commit.ts';
import type {
  AppendOptions, AppendResult, ForgettingEventStore, FoundCommit, NewEvent, ReadAllOptions, ReadOptions, RecordedEvent,
  SubscribeOptions, Subscription,
} from './event-store.ts';
import { readAll } from './read-all.ts';
import { isBusy, openDatabase } from './sqlite-schema.ts';
import { SqliteReader } from './sqlite-reader.ts';
import { retryWhileBusy, SqliteWriter } from './sqlite-writer.ts';
import type { Transaction } from './sqlite-writer.ts';
import { Subscriptions } from './subscription.ts';
import type { Batch, Wanted } from './subscription.ts';

export interface SqliteOptions {
  /** How often subscriptions look for what other processes appended when nobody wakes them (default 1,000). */
  pollMs?: number;
  /** How long a lock of another process is waited for (default 10,000). */
  busyDeadlineMs?: number;
}

/** Longest time that one try to get a lock blocks the event loop. */
const busyTimeoutMs = 5;

/** Goes from name to name of the category by the index of streams: one that was truncated has no event that is special. */
const findExpired = `
  WITH RECURSIVE names (stream) AS (
    SELECT min(stream) FROM events WHERE stream >= ?1 || '-' AND stream < ?1 || '.'
    UNION ALL
    SELECT (SELECT min(stream) FROM events WHERE stream > names.stream AND stream < ?1 || '.') FROM names WHERE names.stream IS NOT NULL
  )
  SELECT stream FROM names WHERE stream IS NOT NULL
    AND (SELECT recorded_at FROM events WHERE stream = names.stream ORDER BY revision DESC LIMIT 1) < ?2 LIMIT ?3`;

/**
 * The log in one SQLite file (WAL, fsync at every commit), which several processes of one machine may use at the same
 * time. Not for network file systems: SQLite's locks need a local disk.
 */
export class SqliteEventStore implements ForgettingEventStore {
  readonly #database: DatabaseSync;
  readonly #busyDeadlineMs: number;
  readonly #reader: SqliteReader;
  readonly #writer: SqliteWriter;
  readonly #subscriptions: Subscriptions;
  readonly #listeners = new Set<(position: number) => void>();
  readonly #insert: StatementSync;
  readonly #delete: StatementSync;
  readonly #truncate: StatementSync;
  readonly #findExpired: StatementSync;
  #closing: Promise<void> | null = null;

  private constructor(database: DatabaseSync, options: SqliteOptions) {
    this.#database = database;
    this.#busyDeadlineMs = options.busyDeadlineMs ?? 10_000;
    this.#reader = new SqliteReader(database);
    this.#writer = new SqliteWriter(database, (head) => this.#announce(head), this.#busyDeadlineMs);
    this.#subscriptions = new Subscriptions(
      { head: () => this.head(), readBatch: (after, limit, filter) => this.#readBatch(after, limit, filter) },
      options.pollMs,
    );
    this.#insert = database.prepare(`INSERT INTO events (position, category, stream, revision, type, v, recorded_at, id, commit_id,
      commit_size, request_id, caused_by, data) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`);
    this.#delete = database.prepare('DELETE FROM events WHERE stream = ?');
    this.#truncate = database.prepare('DELETE FROM events WHERE stream = ?1 AND revision < min(?2, (SELECT max(revision) FROM events WHERE stream = ?1))');
    this.#findExpired = database.prepare(findExpired);
  }

  /** Opens the file, makes it when it isn't there. Throws an Error when it is no event store, or one of a newer kgpu. */
  static async open(file: string, options: SqliteOptions = {}): Promise<SqliteEventStore> {
    const database = await retryWhileBusy(() => openDatabase(file), options.busyDeadlineMs ?? 10_000);
    database.exec(`PRAGMA busy_timeout = ${busyTimeoutMs}`);
    return new SqliteEventStore(database, options);
  }

  async append(stream: string, events: readonly NewEvent[], options: AppendOptions): Promise<AppendResult> {
    const commit = prepareCommit(stream, events, options);
    this.#checkOpen();
    return this.#writer.write({ size: commit.size, run: (transaction) => this.#appendNow(commit, transaction) });
  }

  async findCommit(stream: string, commitId: string): Promise<FoundCommit | null> {
    return this.#read(() => this.#reader.findCommit(stream, commitId));
  }

  async read(stream: string, options: ReadOptions = {}): Promise<RecordedEvent[]> {
    const limit = checkLimit(options.limit);
    const backwards = options.backwards ?? false;
    const from = checkStart('from', options.from ?? (backwards ? Number.MAX_SAFE_INTEGER : 0));
    return this.#read(() => this.#reader.stream(stream, from, limit, backwards));
  }

  readAll(options: ReadAllOptions = {}): Promise<RecordedEvent[]> {
    return readAll(options, (after, limit, filter) => this.#readBatch(after, limit, filter));
  }

  subscribe(options: SubscribeOptions, handler: (event: RecordedEvent) => void | Promise<void>): Subscription {
    this.#checkOpen();
    return this.#subscriptions.start(options, handler);
  }

  async head(): Promise<number> {
    return this.#read(() => this.#reader.head());
  }

  wake(): void {
    this.#subscriptions.wake();
  }

  onAppend(listener: (position: number) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async deleteStream(stream: string): Promise<void> {
    this.#checkOpen();
    await this.#writer.write({ size: 0, run: () => this.#delete.run(stream) });
  }

  async truncate(stream: string, revision: number): Promise<void> {
    checkStart('revision', revision);
    this.#checkOpen();
    await this.#writer.write({ size: 0, run: () => this.#truncate.run(stream, revision) });
  }

  async expire(category: string, before: Date, limit: number): Promise<number> {
    checkLimit(limit);
    this.#checkOpen();
    return this.#writer.write({ size: 0, run: () => this.#expireNow(category, before.toISOString(), limit) });
  }

  close(): Promise<void> {
    this.#closing ??= this.#closeNow();
    return this.#closing;
  }

  #appendNow(commit: Commit, transaction: Transaction): AppendResult {
    const { stream, metadata } = commit;
    const found = this.#reader.commit(stream, metadata.commit_id);
    if (found !== null) return { position: found.position, revision: found.revision, repeated: true };
    let revision = this.#reader.lastRevision(stream);
    checkRevision(stream, commit.expected, revision);
    const { commit_id: commitId, request_id: requestId = null } = metadata;
    const causedBy = metadata.caused_by === undefined ? null : JSON.stringify(metadata.caused_by);
    const last = commit.events.length - 1;
    for (const [index, { id, type, v, json }] of commit.events.entries()) {
      const size = index === last ? commit.events.length : null;
      this.#insert.run(++transaction.head, commit.category, stream, ++revision, type, v, transaction.recordedAt, id, commitId,
        size, requestId, causedBy, json);
    }
    return { position: transaction.head, revision, repeated: false };
  }

  #expireNow(category: string, before: string, limit: number): number {
    const expired = this.#findExpired.all(category, before, limit);
    for (const { stream } of expired) this.#delete.run(stream as string);
    return expired.length;
  }

  #readBatch(after: number, limit: number, filter: Wanted): Promise<Batch> {
    return this.#read(() => this.#reader.batch(after, limit, filter));
  }

  /** Readers in WAL mode are locked out only while another process opens or closes the file. */
  async #read<T>(action: () => T): Promise<T> {
    this.#checkOpen();
    try {
      return action();
    } catch (error) {
      if (!isBusy(error)) throw error;
      return retryWhileBusy(action, this.#busyDeadlineMs);
    }
  }

  #announce(head: number): void {
    this.#subscriptions.wake();
    for (const listener of this.#listeners) queueMicrotask(() => listener(head));
  }

  async #closeNow(): Promise<void> {
    await this.#subscriptions.stop();
    await this.#writer.idle();
    this.#database.close();
  }

  #checkOpen(): void {
    if (this.#closing !== null) throw new Error('the event store is closed');
  }
}
