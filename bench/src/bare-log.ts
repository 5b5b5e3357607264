/** The least that a durable log in SQLite can be: the yardstick. */
import { DatabaseSync } from 'node:sqlite';

export class BareLog {
  readonly #db: DatabaseSync;

  constructor(file: string) {
    this.#db = new DatabaseSync(file);
    this.#db.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
      CREATE TABLE log (position INTEGER PRIMARY KEY, stream TEXT, type TEXT, data TEXT) STRICT`);
  }

  append(events: readonly string[]): void {
    const insert = this.#db.prepare('INSERT INTO log (stream, type, data) VALUES (?, ?, ?)');
    this.#db.exec('BEGIN IMMEDIATE');
    for (const data of events) insert.run('rental-1', 'RentalStarted', data);
    this.#db.exec('COMMIT');
  }

  replay(): void {
    for (const row of this.#db.prepare('SELECT * FROM log ORDER BY position').iterate()) JSON.parse(row['data'] as string);
  }

  close(): void {
    this.#db.close();
  }
}
