import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { BodyFiles, BodyMissing } from './body-files.ts';
import type { Placed } from './body-files.ts';
import { checkLimit, checkRevision, checkStart, prepareCommit } from './commit.ts';
import type { Commit } from './commit.ts';
import type {
  AppendOptions, AppendResult, ForgettingEventStore, FoundCommit, NewEvent, ReadAllOptions, ReadOptions, RecordedEvent,
  SubscribeOptions, Subscription,
} from './event-store.ts';
import { readAll } from './read-all.ts';
import { SqliteForgetting } from './sqlite-forgetting.ts';
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
/** Bodies of a commit that are no more than this together stay in the database: a file of their own would cost a second fsync. */
const inlineBytes = 32_768;

/**
 * The log in one SQLite file (WAL, fsync at every commit), which several processes of one machine may use at the same
 * time. Not for network file systems: SQLite's locks need a local disk. Large bodies are in a folder beside it, `<file>-bodies`.
 */
export class SqliteEventStore implements ForgettingEventStore {
  readonly #database: DatabaseSync;
  readonly #busyDeadlineMs: number;
  readonly #bodies: BodyFiles;
  readonly #reader: SqliteReader;
  readonly #writer: SqliteWriter;
  readonly #subscriptions: Subscriptions;
  readonly #listeners = new Set<(position: number) => void>();
  readonly #insert: StatementSync;
  readonly #forgetting: SqliteForgetting;
  /** Appends whose bodies are on their way to disk. */
  readonly #underWay = new Set<Promise<unknown>>();
  #closing: Promise<void> | null = null;

  private constructor(database: DatabaseSync, bodies: BodyFiles, options: SqliteOptions) {
    this.#database = database;
    this.#bodies = bodies;
    this.#busyDeadlineMs = options.busyDeadlineMs ?? 10_000;
    this.#reader = new SqliteReader(database, bodies);
    this.#writer = new SqliteWriter(database, (head) => this.#announce(head), this.#busyDeadlineMs);
    this.#subscriptions = new Subscriptions(
      { head: () => this.head(), readBatch: (after, limit, filter) => this.#readBatch(after, limit, filter) },
      options.pollMs,
    );
    this.#insert = database.prepare(`INSERT INTO events (position, category, stream, revision, type, v, recorded_at, id, commit_id,
      commit_size, request_id, caused_by, data, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`);
    this.#forgetting = new SqliteForgetting(database, this.#writer, bodies);
  }

  /** Opens the file, makes it when it isn't there. Throws an Error when it is no event store, or one of a newer kgpu. */
  static async open(file: string, options: SqliteOptions = {}): Promise<SqliteEventStore> {
    const database = await retryWhileBusy(() => openDatabase(file), options.busyDeadlineMs ?? 10_000);
    database.exec(`PRAGMA busy_timeout = ${busyTimeoutMs}`);
    return new SqliteEventStore(database, new BodyFiles(`${file}-bodies`), options);
  }

  async append(stream: string, events: readonly NewEvent[], options: AppendOptions): Promise<AppendResult> {
    const commit = prepareCommit(stream, events, options);
    this.#checkOpen();
    if (commit.bodyBytes <= inlineBytes) return this.#writer.write({ size: commit.size, run: (transaction) => this.#appendNow(commit, transaction) });
    const appending = this.#appendLarge(commit);
    this.#underWay.add(appending);
    return appending.finally(() => this.#underWay.delete(appending));
  }

  async findCommit(stream: string, commitId: string): Promise<FoundCommit | null> {
    return this.#read(() => this.#reader.findCommit(stream, commitId));
  }

  async read(stream: string, options: ReadOptions = {}): Promise<RecordedEvent[]> {
    const limit = checkLimit(options.limit);
    const backwards = options.backwards ?? false;
    const from = checkStart('from', options.from ?? (backwards ? Number.MAX_SAFE_INTEGER : 0));
    return this.#read(() => this.#reader.stream(stream, { ...options, from, limit }));
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
    await this.#forgetting.deleteStream(stream);
  }

  async truncate(stream: string, revision: number): Promise<void> {
    checkStart('revision', revision);
    this.#checkOpen();
    await this.#forgetting.truncate(stream, revision);
  }

  async expire(category: string, before: Date, limit: number): Promise<number> {
    checkLimit(limit);
    this.#checkOpen();
    return this.#forgetting.expire(category, before, limit);
  }

  close(): Promise<void> {
    this.#closing ??= this.#closeNow();
    return this.#closing;
  }

  /** Bodies first: what the database refers to is there. */
  async #appendLarge(commit: Commit): Promise<AppendResult> {
    for (;;) {
      const placed = await this.#bodies.write(commit.stream, commit.events.flatMap(({ body }) => body ?? []));
      const result = await this.#writer.write({
        size: commit.size - commit.bodyBytes, run: (transaction) => (placed.isThere() ? this.#appendNow(commit, transaction, placed) : null),
      });
      if (result !== null) return result;
    }
  }

  #appendNow(commit: Commit, transaction: Transaction, placed?: Placed): AppendResult {
    const { stream, metadata } = commit;
    const found = this.#reader.commit(stream, metadata.commit_id);
    if (found !== null) return { position: found.position, revision: found.revision, repeated: true };
    let revision = this.#reader.lastRevision(stream);
    checkRevision(stream, commit.expected, revision);
    const { commit_id: commitId, request_id: requestId = null } = metadata;
    const causedBy = metadata.caused_by === undefined ? null : JSON.stringify(metadata.caused_by);
    const places = placed?.places.values();
    const last = commit.events.length - 1;
    for (const [index, { id, type, v, json, body }] of commit.events.entries()) {
      const size = index === last ? commit.events.length : null;
      const recordedBody = body === null || places === undefined ? body : places.next().value!;
      this.#insert.run(++transaction.head, commit.category, stream, ++revision, type, v, transaction.recordedAt, id, commitId,
        size, requestId, causedBy, json, recordedBody);
    }
    return { position: transaction.head, revision, repeated: false };
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
      // Between our looks at the database and at the file somebody forgot the event: now it is not there any more.
      if (error instanceof BodyMissing) return this.#readAgain(action);
      if (!isBusy(error)) throw error;
      return retryWhileBusy(action, this.#busyDeadlineMs);
    }
  }

  async #readAgain<T>(action: () => T): Promise<T> {
    try {
      return await retryWhileBusy(action, this.#busyDeadlineMs);
    } catch (cause) {
      throw cause instanceof BodyMissing ? new Error(`the log is broken: ${cause.message}`, { cause }) : cause;
    }
  }

  #announce(head: number): void {
    this.#subscriptions.wake();
    for (const listener of this.#listeners) queueMicrotask(() => listener(head));
  }

  async #closeNow(): Promise<void> {
    await this.#subscriptions.stop();
    await Promise.allSettled(this.#underWay);
    await this.#writer.idle();
    this.#bodies.close();
    this.#database.close();
  }

  #checkOpen(): void {
    if (this.#closing !== null) throw new Error('the event store is closed');
  }
}
