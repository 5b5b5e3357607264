import { Problem } from '@kgpu/contracts';
import { closeSync, openSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import type { SQLInputValue, StatementSync } from 'node:sqlite';

/** A file and its size: an object is one of them, or as many as its upload had parts. */
export type Piece = [name: string, size: number];

/** An object as the index and the note beside its files hold it. */
export interface IndexedObject {
  key: string;
  /** Names the object's files; a replaced object has another one. */
  object_id: string;
  size: number;
  etag: string;
  content_type: string;
  /** ms since 1970. */
  modified_ms: number;
  pieces: Piece[];
}

export interface IndexedUpload {
  key: string;
  upload_id: string;
  content_type: string;
  begun_ms: number;
}

export interface IndexedPart {
  part_number: number;
  name: string;
  size: number;
  etag: string;
}

const schema = `
  CREATE TABLE objects (
    key          TEXT PRIMARY KEY,
    object_id    TEXT NOT NULL UNIQUE,
    size         INTEGER NOT NULL,
    etag         TEXT NOT NULL,
    content_type TEXT NOT NULL,
    modified_ms  INTEGER NOT NULL,
    pieces       TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE uploads (upload_id TEXT PRIMARY KEY, key TEXT NOT NULL, content_type TEXT NOT NULL, begun_ms INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE parts (
    upload_id   TEXT NOT NULL,
    part_number INTEGER NOT NULL,
    name        TEXT NOT NULL,
    size        INTEGER NOT NULL,
    etag        TEXT NOT NULL,
    PRIMARY KEY (upload_id, part_number)
  ) STRICT, WITHOUT ROWID;
`;
const schemaVersion = 1;
const columns = 'key, object_id, size, etag, content_type, modified_ms, pieces';
const maxWaiting = 10_000;

interface Job {
  run(): unknown;
  resolve(value: unknown): void;
  reject(error: unknown): void;
}

/**
 * Which object has which key: the truth about what the folder holds, in one SQLite file. A change is in effect, and
 * survives a power cut, once `change` resolves. Changes of the same turn of the event loop share one fsync.
 */
export class DiskIndex {
  readonly #database: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();
  #waiting: Job[] = [];

  /** `rebuild` gives the objects to fill a new index with. Throws what SQLite throws on a file that is damaged. */
  constructor(file: string, rebuild: () => Iterable<IndexedObject>) {
    closeSync(openSync(file, 'a', 0o600));
    this.#database = new DatabaseSync(file, { timeout: 2_000 });
    try {
      this.#database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA journal_size_limit = 67108864; PRAGMA cache_size = -16384');
      this.#create(rebuild);
    } catch (error) {
      this.#database.close();
      throw error;
    }
  }

  find(key: string): IndexedObject | null {
    const row = this.#run(`SELECT ${columns} FROM objects WHERE key = ?`).get(key);
    return row === undefined ? null : toObject(row);
  }

  /** Objects in the order of their keys' bytes, behind `from` or with it. One scan at a time: take what is needed at once. */
  *scan(from: string, inclusive: boolean): Generator<IndexedObject, void, void> {
    const statement = this.#run(`SELECT ${columns} FROM objects WHERE key ${inclusive ? '>=' : '>'} ? ORDER BY key`);
    for (const row of statement.iterate(from)) yield toObject(row);
  }

  /** Only inside of `change`. */
  put(object: IndexedObject): void {
    this.#run(`INSERT OR REPLACE INTO objects (${columns}) VALUES (?, ?, ?, ?, ?, ?, ?)`).run(
      object.key, object.object_id, object.size, object.etag, object.content_type, object.modified_ms, JSON.stringify(object.pieces));
  }

  /** Only inside of `change`. */
  delete(key: string): void {
    this.#run('DELETE FROM objects WHERE key = ?').run(key);
  }

  findUpload(uploadId: string): IndexedUpload | null {
    return (this.#run('SELECT * FROM uploads WHERE upload_id = ?').get(uploadId) ?? null) as IndexedUpload | null;
  }

  uploadsBefore(ms: number, prefix: string, limit: number): IndexedUpload[] {
    const statement = this.#run('SELECT * FROM uploads WHERE begun_ms < ? AND substr(key, 1, length(?)) = ? ORDER BY begun_ms, upload_id LIMIT ?');
    return statement.all(ms, prefix, prefix, limit) as unknown as IndexedUpload[];
  }

  /** Only inside of `change`. */
  putUpload(upload: IndexedUpload): void {
    this.#run('INSERT INTO uploads (upload_id, key, content_type, begun_ms) VALUES (?, ?, ?, ?)').run(upload.upload_id, upload.key, upload.content_type, upload.begun_ms);
  }

  parts(uploadId: string): IndexedPart[] {
    return this.#run('SELECT part_number, name, size, etag FROM parts WHERE upload_id = ? ORDER BY part_number').all(uploadId) as unknown as IndexedPart[];
  }

  /** Only inside of `change`. */
  putPart(uploadId: string, part: IndexedPart): void {
    this.#run('INSERT OR REPLACE INTO parts (upload_id, part_number, name, size, etag) VALUES (?, ?, ?, ?, ?)').run(uploadId, part.part_number, part.name, part.size, part.etag);
  }

  /** Forgets the upload and its parts. Only inside of `change`. */
  deleteUpload(uploadId: string): void {
    this.#run('DELETE FROM uploads WHERE upload_id = ?').run(uploadId);
    this.#run('DELETE FROM parts WHERE upload_id = ?').run(uploadId);
  }

  /** Names of all files of objects and parts whose id starts with these hex digits, and of the notes of the objects. */
  filesOf(start: string): Set<string> {
    const bounds: SQLInputValue[] = [start, `${start}g`];
    const names = new Set<string>();
    for (const row of this.#run('SELECT object_id, pieces FROM objects WHERE object_id >= ? AND object_id < ?').all(...bounds)) {
      names.add(`${String(row['object_id'])}.json`);
      for (const [name] of JSON.parse(row['pieces'] as string) as Piece[]) names.add(name);
    }
    for (const row of this.#run('SELECT name FROM parts WHERE upload_id >= ? AND upload_id < ?').all(...bounds)) names.add(row['name'] as string);
    return names;
  }

  /**
   * Runs `work` in a transaction with others. It must check before it writes: when it throws, that spoils nothing of the
   * others. Rejects with what it threw.
   */
  change<T>(work: () => T): Promise<T> {
    if (this.#waiting.length >= maxWaiting) return Promise.reject(new Problem('object_store_unavailable', 'Too many writes wait for the object store', { retry_after_seconds: 1 }));
    return new Promise<T>((resolve, reject) => {
      if (this.#waiting.length === 0) setImmediate(() => this.#changeAll());
      this.#waiting.push({ run: work, resolve, reject });
    });
  }

  close(): void {
    this.#changeAll();
    this.#statements.clear();
    this.#database.close();
  }

  #create(rebuild: () => Iterable<IndexedObject>): void {
    this.#database.exec('BEGIN IMMEDIATE');
    const version = Number(this.#database.prepare('PRAGMA user_version').get()!['user_version']);
    if (version > schemaVersion) throw new Error(`the index was made by a newer version of kgpu (schema ${version}): update kgpu`);
    if (version === 0) {
      this.#database.exec(schema);
      for (const object of rebuild()) this.put(object);
      this.#database.exec(`PRAGMA user_version = ${schemaVersion}`);
    }
    this.#database.exec('COMMIT');
  }

  #changeAll(): void {
    const jobs = this.#waiting;
    if (jobs.length === 0) return;
    this.#waiting = [];
    const settle: (() => void)[] = [];
    try {
      this.#database.exec('BEGIN IMMEDIATE');
      for (const job of jobs) settle.push(attempt(job));
      this.#database.exec('COMMIT');
    } catch (error) {
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
      for (const job of jobs) job.reject(error);
      return;
    }
    for (const done of settle) done();
  }

  #run(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (statement === undefined) this.#statements.set(sql, (statement = this.#database.prepare(sql)));
    return statement;
  }
}

/** What to tell the job once the transaction is on disk. */
function attempt(job: Job): () => void {
  try {
    const value = job.run();
    return () => job.resolve(value);
  } catch (error) {
    return () => job.reject(error);
  }
}

function toObject(row: Record<string, unknown>): IndexedObject {
  return { ...(row as unknown as IndexedObject), pieces: JSON.parse(row['pieces'] as string) as Piece[] };
}
