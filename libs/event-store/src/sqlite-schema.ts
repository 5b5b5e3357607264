import { closeSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

/** Written into the file's header: which program's file it is, and which shape of tables it has. */
const applicationId = 0x6b677075;
const schemaVersion = 2;

/**
 * `data` and `body` are the last columns: a scan that skips an event never loads what is large. `commit_size` is set on the last
 * event of a commit only, so that the index of commits has one entry for each of them. A body is a BLOB, or as TEXT the place
 * where it is in the folder of bodies.
 */
const schema = `
  CREATE TABLE events (
    position    INTEGER PRIMARY KEY,
    category    TEXT NOT NULL,
    stream      TEXT NOT NULL,
    revision    INTEGER NOT NULL,
    type        TEXT NOT NULL,
    v           INTEGER NOT NULL,
    recorded_at TEXT NOT NULL,
    id          TEXT NOT NULL,
    commit_id   TEXT NOT NULL,
    commit_size INTEGER,
    request_id  TEXT,
    caused_by   TEXT,
    data        TEXT NOT NULL,
    body        ANY
  ) STRICT;
  CREATE UNIQUE INDEX events_by_stream ON events (stream, revision);
  CREATE UNIQUE INDEX events_by_commit ON events (stream, commit_id) WHERE commit_size IS NOT NULL;
  CREATE INDEX events_by_category ON events (category);
  CREATE INDEX events_by_body_place ON events (body) WHERE typeof(body) = 'text';
  CREATE TABLE log (head INTEGER NOT NULL) STRICT;
  INSERT INTO log VALUES (0);
`;

/** Version 2 keeps bodies, and has no index that nothing asks. */
const fromVersion1 = `
  DROP INDEX events_of_new_streams;
  ALTER TABLE events ADD COLUMN body ANY;
  CREATE INDEX events_by_body_place ON events (body) WHERE typeof(body) = 'text';
`;

/**
 * Opens the file, makes it (mode 600) when it isn't there. Throws an Error that says what is wrong with a file that is
 * something else, or was made by a newer version.
 */
export function openDatabase(file: string): DatabaseSync {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  closeSync(openSync(file, 'a', 0o600));
  const database = new DatabaseSync(file, { timeout: 5_000 });
  try {
    database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA journal_size_limit = 67108864; PRAGMA cache_size = -16384');
    migrate(database, file);
    return database;
  } catch (cause) {
    database.close();
    if (!isNotADatabase(cause)) throw cause;
    throw new Error(`${file} is not an SQLite file`, { cause });
  }
}

/** Another connection holds a lock that is needed: the same can be tried again. */
export function isBusy(error: unknown): boolean {
  return [5, 6].includes(resultCode(error));
}

function migrate(database: DatabaseSync, file: string): void {
  database.exec('BEGIN IMMEDIATE');
  const version = pragma(database, 'user_version');
  const application = pragma(database, 'application_id');
  const tables = database.prepare('SELECT count(*) AS n FROM sqlite_schema').get()!.n;
  if (application === 0 && version === 0 && tables === 0) {
    database.exec(`${schema}; PRAGMA application_id = ${applicationId}; PRAGMA user_version = ${schemaVersion}`);
  } else if (application !== applicationId) {
    throw new Error(`${file} is an SQLite file, but not an event store of kgpu`);
  } else if (version > schemaVersion) {
    throw new Error(`${file} was made by a newer version of kgpu (schema ${version}; this one knows ${schemaVersion}): update kgpu`);
  } else if (version === 1) {
    database.exec(`${fromVersion1}; PRAGMA user_version = ${schemaVersion}`);
  }
  database.exec('COMMIT');
}

function pragma(database: DatabaseSync, name: 'user_version' | 'application_id'): number {
  return Number(database.prepare(`PRAGMA ${name}`).get()![name]);
}

function isNotADatabase(error: unknown): boolean {
  return resultCode(error) === 26;
}

/** SQLite's primary result code of an error, -1 for other errors. */
function resultCode(error: unknown): number {
  return typeof error === 'object' && error !== null && 'errcode' in error ? Number(error.errcode) & 0xff : -1;
}
