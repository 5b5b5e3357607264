import { checkLimit, checkRevision, checkStart, prepareCommit, record } from './commit.ts';
import type { Commit } from './commit.ts';
import { categoryOf } from './event-store.ts';
import type {
  AppendOptions, AppendResult, EventFilter, ForgettingEventStore, FoundCommit, NewEvent, ReadAllOptions, ReadOptions, RecordedEvent,
  SubscribeOptions, Subscription,
} from './event-store.ts';
import { readAll } from './read-all.ts';
import { Subscriptions } from './subscription.ts';
import type { Batch } from './subscription.ts';

/** What several stores of one process can share, as processes share a file. */
export class MemoryLog {
  /** In order of position. */
  entries: Entry[] = [];
  readonly streams = new Map<string, Stream>();
  head = 0;
}

interface Stream {
  entries: Entry[];
  /** Entries of each commit, by its id. */
  commits: Map<string, Entry[]>;
  /** How many entries were removed at the beginning: the revision of the first one left. */
  truncated: number;
}

interface Entry {
  position: number;
  stream: string;
  type: string;
  revision: number;
  recordedAt: string;
  /** Made anew for each reader: nobody can change what another one reads. */
  event(): RecordedEvent;
}

/** The log in memory, for specs and trials. It promises all that other adapters promise, but forgets with the process. */
export class MemoryEventStore implements ForgettingEventStore {
  readonly #log: MemoryLog;
  readonly #subscriptions: Subscriptions;
  readonly #listeners = new Set<(position: number) => void>();
  #closed = false;

  constructor(log = new MemoryLog(), options: { pollMs?: number } = {}) {
    this.#log = log;
    this.#subscriptions = new Subscriptions(
      { head: () => this.head(), readBatch: async (after, limit, filter) => this.#batch(after, limit, filter) },
      options.pollMs,
    );
  }

  async append(stream: string, events: readonly NewEvent[], options: AppendOptions): Promise<AppendResult> {
    const commit = prepareCommit(stream, events, options);
    this.#checkOpen();
    const known = this.#log.streams.get(stream) ?? { entries: [], commits: new Map<string, Entry[]>(), truncated: 0 };
    const first = known.commits.get(options.commitId)?.at(-1);
    if (first !== undefined) return { position: first.position, revision: first.revision, repeated: true };
    checkRevision(stream, commit.expected, lastRevision(known));
    for (const event of commit.events) if (event.body !== null) event.body = Buffer.from(event.body); // lent to us only
    this.#log.streams.set(stream, known);
    this.#write(commit, known);
    this.#announce();
    return { position: this.#log.head, revision: lastRevision(known), repeated: false };
  }

  async findCommit(stream: string, commitId: string): Promise<FoundCommit | null> {
    this.#checkOpen();
    const entries = this.#log.streams.get(stream)?.commits.get(commitId) ?? [];
    const last = entries.at(-1);
    return last === undefined ? null : { position: last.position, revision: last.revision, events: entries.map((entry) => entry.event()) };
  }

  async read(stream: string, options: ReadOptions = {}): Promise<RecordedEvent[]> {
    this.#checkOpen();
    const limit = checkLimit(options.limit);
    const { entries, truncated } = this.#log.streams.get(stream) ?? { entries: [], truncated: 0 };
    const from = checkStart('from', options.from ?? (options.backwards ? Number.MAX_SAFE_INTEGER : 0)) - truncated;
    const wanted = options.backwards ? entries.slice(0, Math.max(0, from + 1)).reverse() : entries.slice(Math.max(0, from));
    const events = wanted.slice(0, limit).map((entry) => entry.event());
    if (options.withoutBodies) for (const event of events) delete event.body;
    return events;
  }

  readAll(options: ReadAllOptions = {}): Promise<RecordedEvent[]> {
    return readAll(options, async (after, limit, filter) => this.#batch(after, limit, filter));
  }

  subscribe(options: SubscribeOptions, handler: (event: RecordedEvent) => void | Promise<void>): Subscription {
    this.#checkOpen();
    return this.#subscriptions.start(options, handler);
  }

  async head(): Promise<number> {
    this.#checkOpen();
    return this.#log.head;
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
    if (this.#log.streams.delete(stream)) this.#log.entries = this.#log.entries.filter((entry) => entry.stream !== stream);
  }

  async truncate(stream: string, revision: number): Promise<void> {
    checkStart('revision', revision);
    this.#checkOpen();
    const known = this.#log.streams.get(stream);
    if (known === undefined) return;
    const removed = new Set(known.entries.splice(0, Math.max(0, Math.min(revision, lastRevision(known)) - known.truncated)));
    known.truncated += removed.size;
    for (const [commitId, entries] of known.commits) if (removed.has(entries.at(-1)!)) known.commits.delete(commitId);
    this.#log.entries = this.#log.entries.filter((entry) => !removed.has(entry));
  }

  async expire(category: string, before: Date, limit: number): Promise<number> {
    checkLimit(limit);
    const expired = [...this.#log.streams]
      .filter(([stream, { entries }]) => categoryOf(stream) === category && entries.at(-1)!.recordedAt < before.toISOString())
      .slice(0, limit);
    for (const [stream] of expired) await this.deleteStream(stream);
    return expired.length;
  }

  async close(): Promise<void> {
    await this.#subscriptions.stop();
    this.#closed = true;
  }

  #write(commit: Commit, known: Stream): void {
    const { entries, commits } = known;
    const recordedAt = new Date().toISOString();
    const { stream, metadata } = commit;
    const next = lastRevision(known) + 1;
    const added = commit.events.map(({ type }, index): Entry => {
      const position = ++this.#log.head;
      const revision = next + index;
      return { position, stream, type, revision, recordedAt, event: () => record(commit, index, position, revision, recordedAt) };
    });
    entries.push(...added);
    commits.set(metadata.commit_id, added);
    this.#log.entries.push(...added);
  }

  #batch(after: number, limit: number, { categories, types }: EventFilter): Batch {
    this.#checkOpen();
    const { entries, head } = this.#log;
    const found: RecordedEvent[] = [];
    for (let at = firstAfter(entries, after); at < entries.length; at++) {
      const entry = entries[at]!;
      const wanted = (categories?.includes(categoryOf(entry.stream)) ?? true) && (types?.includes(entry.type) ?? true);
      if (wanted && found.push(entry.event()) === limit) return { events: found, position: entry.position, end: false };
    }
    return { events: found, position: Math.max(after, head), end: true };
  }

  #announce(): void {
    const { head } = this.#log;
    this.#subscriptions.wake();
    for (const listener of this.#listeners) queueMicrotask(() => listener(head));
  }

  #checkOpen(): void {
    if (this.#closed) throw new Error('the event store is closed');
  }
}

function lastRevision({ entries, truncated }: Stream): number {
  return truncated + entries.length - 1;
}

/** Index of the first entry after the position, by halving. */
function firstAfter(entries: readonly Entry[], position: number): number {
  let low = 0;
  let high = entries.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (entries[middle]!.position <= position) low = middle + 1;
    else high = middle;
  }
  return low;
}
