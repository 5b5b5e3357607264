import type { DatabaseSync, SQLInputValue, SQLOutputValue, StatementSync } from 'node:sqlite';
import type { BodyFiles } from './body-files.ts';
import type { EventMetadata, FoundCommit, ReadOptions, RecordedEvent } from './event-store.ts';
import type { Batch, Wanted } from './subscription.ts';

const head = 'position, stream, revision, type, v, recorded_at, id, commit_id, request_id, caused_by';
const columns = `${head}, data, body`;

/** So many positions are looked through at a time: it bounds how long a filter that lets little through blocks. */
const windowPositions = 10_000;

/** The reading half of the SQLite adapter, synchronous. Throws `BodyMissing` when a body is removed in the middle of reading. */
export class SqliteReader {
  readonly #database: DatabaseSync;
  readonly #bodies: BodyFiles;
  /** By their text. */
  readonly #statements = new Map<string, StatementSync>();
  readonly #head: StatementSync;
  readonly #lastRevision: StatementSync;
  readonly #commit: StatementSync;

  constructor(database: DatabaseSync, bodies: BodyFiles) {
    this.#database = database;
    this.#bodies = bodies;
    this.#head = database.prepare('SELECT head FROM log');
    this.#lastRevision = database.prepare('SELECT max(revision) AS revision FROM events WHERE stream = ?');
    this.#commit = database.prepare(
      'SELECT position, revision, commit_size FROM events WHERE stream = ? AND commit_id = ? AND commit_size IS NOT NULL',
    );
  }

  head(): number {
    return Number(this.#head.get()!.head);
  }

  /** The stream's last revision, -1 for an unknown stream. */
  lastRevision(stream: string): number {
    return Number(this.#lastRevision.get(stream)!.revision ?? -1);
  }

  /** Where the commit stands, without its events. */
  commit(stream: string, commitId: string): { position: number; revision: number; size: number } | null {
    const row = this.#commit.get(stream, commitId);
    return row === undefined ? null : { position: Number(row.position), revision: Number(row.revision), size: Number(row.commit_size) };
  }

  findCommit(stream: string, commitId: string): FoundCommit | null {
    const found = this.commit(stream, commitId);
    if (found === null) return null;
    const { position, revision, size } = found;
    return { position, revision, events: this.stream(stream, { from: revision - size + 1, limit: size }) };
  }

  stream(stream: string, { from, limit, backwards = false, withoutBodies = false, into }: ReadOptions & { from: number; limit: number }): RecordedEvent[] {
    const [bound, order] = backwards ? ['<=', 'DESC'] : ['>=', 'ASC'];
    const wanted = withoutBodies ? `${head}, data` : columns;
    return this.#events(`SELECT ${wanted} FROM events WHERE stream = ? AND revision ${bound} ? ORDER BY revision ${order} LIMIT ?`, [stream, from, limit], into);
  }

  batch(after: number, limit: number, filter: Wanted): Batch {
    // The head is read first: whatever is up to it is visible to the query that follows.
    const last = this.head();
    if (last <= after) return { events: [], position: after, end: true };
    const filtered = filter.categories !== undefined || filter.types !== undefined;
    const until = filtered ? Math.min(last, after + windowPositions) : last;
    const events = filtered
      ? this.#window(after, until, limit, filter)
      : this.#events(`SELECT ${columns} FROM events WHERE position > ? ORDER BY position LIMIT ?`, [after, limit]);
    if (events.length === limit) return { events, position: events.at(-1)!.position, end: false };
    const position = Math.max(until, events.at(-1)?.position ?? 0);
    return { events, position, end: position >= last };
  }

  #window(after: number, until: number, limit: number, filter: Wanted): RecordedEvent[] {
    const categories = filter.categories && [...new Set(filter.categories)];
    const types = filter.types && [...new Set(filter.types)];
    if (categories?.length === 0 || types?.length === 0) return [];
    const branches: SQLInputValue[][] = (categories ?? [null]).map((category) =>
      [...(category === null ? [] : [category]), after, until, ...(types ?? [])]);
    const wanted = filter.withoutData === true ? `${head}, '{}'` : columns;
    return this.#events(filterQuery(categories?.length ?? 0, types?.length ?? 0, wanted), [...branches.flat(), limit]);
  }

  /** Rows as arrays: twice as fast as objects. */
  #events(sql: string, values: SQLInputValue[], into?: Buffer): RecordedEvent[] {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      statement = this.#database.prepare(sql);
      statement.setReturnArrays(true);
      this.#statements.set(sql, statement);
    }
    const rows = statement.all(...values) as unknown[] as SQLOutputValue[][];
    let room = into;
    return rows.map((row) => {
      const event = eventOf(row);
      const body = row[11];
      if (typeof body === 'string') event.body = this.#bodies.read(body, room);
      else if (body != null) event.body = bufferOf(body as Uint8Array);
      if (event.body?.buffer === room?.buffer) room = room?.subarray(event.body!.length);
      return event;
    });
  }
}

/** One branch for each category, each in order by the index, which SQLite merges: no sorting, however long the log is. */
function filterQuery(categories: number, types: number, wanted: string): string {
  const ofTypes = types === 0 ? '' : ` AND type IN (${Array(types).fill('?').join(', ')})`;
  const branch = categories === 0
    ? `SELECT ${wanted} FROM events NOT INDEXED WHERE position > ? AND position <= ?${ofTypes}`
    : `SELECT ${wanted} FROM events INDEXED BY events_by_category WHERE category = ? AND position > ? AND position <= ?${ofTypes}`;
  return `${Array(Math.max(categories, 1)).fill(branch).join(' UNION ALL ')} ORDER BY position LIMIT ?`;
}

function bufferOf({ buffer, byteOffset, length }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, length);
}

function eventOf(row: SQLOutputValue[]): RecordedEvent {
  const metadata: EventMetadata = { commit_id: row[7] as string };
  if (row[8] !== null) metadata.request_id = row[8] as string;
  if (row[9] !== null) metadata.caused_by = JSON.parse(row[9] as string) as string[];
  return {
    id: row[6] as string,
    position: row[0] as number,
    stream: row[1] as string,
    revision: row[2] as number,
    type: row[3] as string,
    v: row[4] as number,
    data: parse(row[10] as string, row[0] as number),
    metadata,
    recorded_at: row[5] as string,
  };
}

function parse(json: string, position: number): object {
  try {
    return JSON.parse(json) as object;
  } catch (cause) {
    throw new Error(`the log is broken: the event at position ${position} is not JSON`, { cause });
  }
}
