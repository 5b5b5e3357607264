/**
 * The port to the event store: the one place where kgpu's facts live. The append is the publication: services follow
 * the store with subscriptions. Nothing outside an adapter knows which store it is.
 */

/** A fact to be recorded. `v` is the version of the type's shape (see `libs/contracts/src/events`). */
export interface NewEvent {
  type: string;
  v: number;
  data: object;
  /** Raw bytes that belong to the event, for what is no JSON. Only lent: they may be used anew when the append has settled. */
  body?: Uint8Array;
}

/** A recorded fact. `data` is as it was written; upcasting is the reader's business. */
export interface RecordedEvent {
  /** Unique and stable: derived from stream, commit and index, so that a retried append makes the same ids. */
  id: string;
  /** Place in the whole log: 1, 2, 3 … strictly rising, may have gaps that never fill. */
  position: number;
  stream: string;
  /** Place in the stream: 0, 1, 2 … without a gap. */
  revision: number;
  type: string;
  v: number;
  data: object;
  /** As it was written; missing when the event has none, or when it was not asked for. */
  body?: Buffer;
  metadata: EventMetadata;
  /** Wall-clock time of the append, RFC 3339. Rules use the business time inside `data`, never this. */
  recorded_at: string;
}

export interface EventMetadata {
  commit_id: string;
  request_id?: string;
  /** Ids of the events that made a policy act. */
  caused_by?: string[];
}

/** What the stream must look like for the append to go through: its last revision, or one of the words. */
export type Expected = number | 'no_stream' | 'exists' | 'any';

export interface AppendOptions {
  expected: Expected;
  /**
   * Makes the append repeatable: an append to this stream with a commit id that the stream already holds writes
   * nothing and returns what the first one returned, whatever `expected` and `events` say. At most 200 characters.
   */
  commitId: string;
  requestId?: string;
  causedBy?: string[];
}

export interface AppendResult {
  /** Position of the last event of the commit. */
  position: number;
  /** Revision of the last event of the commit. */
  revision: number;
  /** True when the commit was there already and nothing was written. */
  repeated: boolean;
}

/** A commit as the stream holds it: what a repeated command is answered with. */
export interface FoundCommit {
  /** Position and revision of the commit's last event. */
  position: number;
  revision: number;
  events: RecordedEvent[];
}

export interface ReadOptions {
  /** First revision to read (default 0; backwards: the last). */
  from?: number;
  /** At most this many events (default 1,000, at most 10,000). */
  limit?: number;
  backwards?: boolean;
  /** Leaves the bodies out, which saves reading them. */
  withoutBodies?: boolean;
  /** Memory that bodies may be put into, one after the other while there is room, instead of into memory of their own. */
  into?: Buffer;
}

/** Which events of the log are wanted: those of a category (the stream's name before its first `-`) and of a type. */
export interface EventFilter {
  categories?: readonly string[];
  types?: readonly string[];
}

export interface ReadAllOptions extends EventFilter {
  /** Events after this position (default 0: from the start). */
  after?: number;
  /** At most this many events (default 1,000, at most 10,000). */
  limit?: number;
}

export interface SubscribeOptions extends EventFilter {
  /** The last position that was handled (default 0: from the start). */
  after?: number;
  /** The handler only wants to know that there is something: `data` may be left empty and bodies out, which saves reading them. */
  withoutData?: boolean;
}

export interface Subscription {
  /** Every event of the filter up to this position has been handled. Moves over events that the filter leaves out, too. */
  readonly position: number;
  /** Resolves once everything that was in the store at the time of subscribing has been handled; rejects if it halted. */
  readonly caughtUp: Promise<void>;
  /** Resolves when `position` has reached `position`; rejects with the signal's reason, or when the subscription halted. */
  reached(position: number, signal?: AbortSignal): Promise<void>;
  /** Set when the handler threw or the log is broken (a gap in a stream's revisions): nothing is handled after it. */
  readonly halted: Error | null;
  /** Stops after the event that is being handled, and resolves then: a handler must not await it for its own subscription. */
  stop(): Promise<void>;
}

export interface EventStore {
  /**
   * Records the events at the end of `stream`, all or none; they are durable when it resolves.
   * Throws `WrongRevision` when the stream isn't as expected. 1 to 1,000 events, each at most 1 MiB of JSON and 1 MiB
   * of body; a stream's name has 1 to 200 characters, none of them a control character. `Problem('service_unavailable')` when the store can't
   * be written in time: the append may be repeated with the same commit id.
   */
  append(stream: string, events: readonly NewEvent[], options: AppendOptions): Promise<AppendResult>;
  /** The commit with this id, null when the stream holds none. One look into an index, however long the stream is. */
  findCommit(stream: string, commitId: string): Promise<FoundCommit | null>;
  /** A part of one stream in order of revision; `[]` for an unknown stream. */
  read(stream: string, options?: ReadOptions): Promise<RecordedEvent[]>;
  /** A part of the whole log in order of position. Fewer than `limit` events means: the end, for now. */
  readAll(options?: ReadAllOptions): Promise<RecordedEvent[]>;
  /**
   * Handles every event of the filter once, in order of position, from `after` on, old and new. The handler runs for
   * one event at a time (it may be async: that is the backpressure). A handler that throws halts the subscription.
   */
  subscribe(options: SubscribeOptions, handler: (event: RecordedEvent) => void | Promise<void>): Subscription;
  /** The last position that was given out, 0 when nothing was ever recorded. */
  head(): Promise<number>;
  /** A hint that the log has grown elsewhere (another process): subscriptions look at once instead of at their next poll. */
  wake(): void;
  /**
   * Called after appends made through this instance, once for those that were written together, with the position of the
   * last event: what a process tells the others. Returns the way to stop.
   */
  onAppend(listener: (position: number) => void): () => void;
  /** Stops all subscriptions, waits for appends under way, lets go of the store. */
  close(): Promise<void>;
}

/** An ability of stores that can forget: for output and answered requests, which are kept for a while only. */
export interface ForgettingEventStore extends EventStore {
  /**
   * Removes a whole stream and the memory of its commits. A repeat does nothing. `no_stream` can't tell afterwards that
   * the stream has been: don't use its name again.
   */
  deleteStream(stream: string): Promise<void>;
  /**
   * Removes the events of the stream before `revision` and the memory of their commits; the last event always stays, so that
   * revisions go on. A repeat does nothing. Whoever subscribes to such streams names types: without, a missing beginning is
   * taken for a loss.
   */
  truncate(stream: string, revision: number): Promise<void>;
  /** Removes the streams of the category whose last event was recorded before `before`; at most `limit`. Returns how many. */
  expire(category: string, before: Date, limit: number): Promise<number>;
}

/** The stream wasn't as the append expected: somebody else was faster, or the caller read an old state. */
export class WrongRevision extends Error {
  override readonly name = 'WrongRevision';
  constructor(
    readonly stream: string,
    readonly expected: Expected,
    /** The stream's last revision, -1 when there is no such stream. */
    readonly actual: number,
  ) {
    super(`${stream}: expected ${expected}, is at ${actual}`);
  }
}

/** The category of a stream: its name before the first `-`. */
export function categoryOf(stream: string): string {
  const dash = stream.indexOf('-');
  return dash < 0 ? stream : stream.slice(0, dash);
}
