import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { BodyFiles } from './body-files.ts';
import type { SqliteWriter } from './sqlite-writer.ts';

/** A file that nothing refers to is left alone for so long: somebody may be about to. */
const unusedForMs = 600_000;
const removedAtOnce = 100;

/** Goes from name to name of the category by the index of streams: one that was truncated has no event that is special. */
const findExpired = `
  WITH RECURSIVE names (stream) AS (
    SELECT min(stream) FROM events WHERE stream >= ?1 || '-' AND stream < ?1 || '.'
    UNION ALL
    SELECT (SELECT min(stream) FROM events WHERE stream > names.stream AND stream < ?1 || '.') FROM names WHERE names.stream IS NOT NULL
  )
  SELECT stream FROM names WHERE stream IS NOT NULL
    AND (SELECT recorded_at FROM events WHERE stream = names.stream ORDER BY revision DESC LIMIT 1) < ?2 LIMIT ?3`;

/** The forgetting half of the SQLite adapter: events first, then the files of bodies that no event is left in. */
export class SqliteForgetting {
  readonly #writer: SqliteWriter;
  readonly #bodies: BodyFiles;
  readonly #delete: StatementSync;
  readonly #truncate: StatementSync;
  readonly #findExpired: StatementSync;
  readonly #findFiles: StatementSync;
  readonly #isUsed: StatementSync;
  #hasTidied = false;

  constructor(database: DatabaseSync, writer: SqliteWriter, bodies: BodyFiles) {
    this.#writer = writer;
    this.#bodies = bodies;
    this.#delete = database.prepare('DELETE FROM events WHERE stream = ?');
    this.#truncate = database.prepare('DELETE FROM events WHERE stream = ?1 AND revision < min(?2, (SELECT max(revision) FROM events WHERE stream = ?1))');
    this.#findExpired = database.prepare(findExpired);
    this.#findFiles = database.prepare(`SELECT DISTINCT substr(body, 1, instr(body, ':') - 1) AS file FROM events
      WHERE stream = ? AND revision < ? AND typeof(body) = 'text'`);
    this.#isUsed = database.prepare(`SELECT 1 FROM events WHERE typeof(body) = 'text' AND body >= ?1 || ':' AND body < ?1 || ';' LIMIT 1`);
  }

  async deleteStream(stream: string): Promise<void> {
    await this.#forget(() => this.#deleteNow(stream));
  }

  async truncate(stream: string, revision: number): Promise<void> {
    await this.#forget(() => {
      const files = this.#filesOf(stream, revision);
      this.#truncate.run(stream, revision);
      return files;
    });
  }

  async expire(category: string, before: Date, limit: number): Promise<number> {
    await this.#tidyOnce();
    let expired = 0;
    await this.#forget(() => {
      const streams = this.#findExpired.all(category, before.toISOString(), limit).map(({ stream }) => stream as string);
      expired = streams.length;
      return streams.flatMap((stream) => this.#deleteNow(stream));
    });
    return expired;
  }

  #deleteNow(stream: string): string[] {
    const files = this.#filesOf(stream, Number.MAX_SAFE_INTEGER);
    this.#delete.run(stream);
    return files;
  }

  /** The files that the stream's events before `revision` have bodies in. */
  #filesOf(stream: string, revision: number): string[] {
    return this.#findFiles.all(stream, revision).map(({ file }) => file as string);
  }

  /** `removeEvents` says which files their bodies were in: those go when the events are durably gone. */
  async #forget(removeEvents: () => string[]): Promise<void> {
    const files = await this.#writer.write({ size: 0, run: removeEvents });
    if (files.length > 0) await this.#removeUnused(files);
  }

  /** Under the write lock, since an append asks under it whether its file is there. */
  async #removeUnused(files: readonly string[]): Promise<void> {
    await this.#writer.write({ size: 0, run: () => {
      for (const file of files) if (this.#isUsed.get(file) === undefined) this.#bodies.remove(file);
    } });
  }

  /** Files that were left by processes which were killed: before their events were recorded, or after those were removed. */
  async #tidyOnce(): Promise<void> {
    if (this.#hasTidied) return;
    this.#hasTidied = true;
    const files = this.#bodies.writtenBefore(new Date(Date.now() - unusedForMs));
    for (let at = 0; at < files.length; at += removedAtOnce) await this.#removeUnused(files.slice(at, at + removedAtOnce));
  }
}
