import { createHash, randomBytes } from 'node:crypto';
import { closeSync, fsyncSync, mkdirSync, openSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { copyFile, link, open, readdir, stat, unlink } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { IndexedObject, Piece } from './disk-index.ts';

/** What was written of a body. */
export interface WrittenFile {
  size: number;
  /** Hex. */
  md5: string;
}

/** How often each object is being read in this process, and which wait for that to end to be removed. */
const reading = new Map<string, number>();
const doomed = new Map<string, IndexedObject>();

/**
 * The files of objects: `objects/<2 hex>/<name>`, each written once and never changed, so that keys may be anything. Beside
 * them a note for each object says what the index says, for the day when the index is lost.
 */
export class ObjectFiles {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    for (let n = 0; n < 256; n++) mkdirSync(join(folder, n.toString(16).padStart(2, '0')), { recursive: true, mode: 0o700 });
    for (const made of [folder, dirname(folder), dirname(dirname(folder))]) syncNow(made);
  }

  /** 32 hex digits. The first two say in which folder its files lie: `beside` another's when that is given. */
  newId(beside = ''): string {
    return beside.slice(0, 2) + randomBytes(16).toString('hex').slice(beside === '' ? 0 : 2);
  }

  /** Writes a body to a new file. Its bytes are on disk when this resolves (its name: after `writeNote` or `syncFolderOf` with an id of the same folder). */
  async write(name: string, body: AsyncIterable<Uint8Array>): Promise<WrittenFile> {
    const file = await open(this.#path(name), 'wx', 0o600);
    try {
      const written = await writeAll(file, body);
      await file.datasync();
      return written;
    } finally {
      await file.close();
    }
  }

  /** Makes the object's files findable after a crash, also without an index. */
  async writeNote(object: IndexedObject): Promise<void> {
    const file = await open(this.#path(noteOf(object)), 'wx', 0o600);
    try {
      await file.writeFile(JSON.stringify(object));
      await file.datasync();
    } finally {
      await file.close();
    }
    await this.syncFolderOf(object.object_id);
  }

  async syncFolderOf(name: string): Promise<void> {
    const folder = await open(join(this.#folder, name.slice(0, 2)), 'r');
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
  }

  /** Other names for the same bytes. */
  async linkAll(pieces: readonly Piece[], toId: string): Promise<Piece[]> {
    const linked: Piece[] = [];
    for (const [index, [name, size]] of pieces.entries()) {
      const other = `${toId}-${index}`;
      await link(this.#path(name), this.#path(other)).catch(() => this.#copy(name, other));
      linked.push([other, size]);
    }
    return linked;
  }

  /** For file systems without links, and for the file that has as many as there can be. */
  async #copy(name: string, other: string): Promise<void> {
    await copyFile(this.#path(name), this.#path(other));
    const file = await open(this.#path(other), 'r');
    await file.sync().finally(() => file.close());
  }

  open(name: string): Promise<FileHandle> {
    return open(this.#path(name), 'r');
  }

  /** The object's files stay until the returned function is called, even when the object is removed. */
  hold({ object_id: id }: IndexedObject): () => void {
    reading.set(id, (reading.get(id) ?? 0) + 1);
    return () => {
      const others = reading.get(id)! - 1;
      if (others > 0) return void reading.set(id, others);
      reading.delete(id);
      const object = doomed.get(id);
      if (object !== undefined) void this.remove(object);
    };
  }

  /** Removes the files of an object that is out of the index. What can't be removed now, `sweep` takes. */
  async remove(object: IndexedObject): Promise<void> {
    doomed.set(object.object_id, object);
    if (reading.has(object.object_id)) return;
    doomed.delete(object.object_id);
    await this.removeNames([noteOf(object), ...object.pieces.map(([name]) => name)]);
  }

  removeNote(object: IndexedObject): Promise<void> {
    return this.removeNames([noteOf(object)]);
  }

  async removeNames(names: readonly string[]): Promise<void> {
    for (const name of names) await unlink(this.#path(name)).catch(() => {});
  }

  /**
   * Removes files that nobody knows and that have not changed since `beforeMs`: what writers left that were killed.
   * `known` gives the names that start with two hex digits and belong to something.
   */
  async sweep(known: (start: string) => Set<string>, beforeMs: number): Promise<number> {
    let removed = 0;
    for (const start of await readdir(this.#folder)) {
      const old = await this.#unchangedSince(start, beforeMs);
      const names = known(start);
      const read = new Set([...doomed.values()].flatMap(({ pieces }) => pieces.map(([name]) => name)));
      const unknown = old.filter((name) => !names.has(name) && !read.has(name));
      await this.removeNames(unknown);
      removed += unknown.length;
    }
    return removed;
  }

  /** All objects that notes tell of and whose files are whole; of two with one key, the newer. */
  readNotes(): Iterable<IndexedObject> {
    const objects = new Map<string, IndexedObject>();
    for (const start of readdirSync(this.#folder)) {
      for (const name of readdirSync(join(this.#folder, start)).filter((file) => file.endsWith('.json'))) {
        const object = this.#readNote(name);
        const known = object === null ? undefined : objects.get(object.key);
        if (object !== null && (known === undefined || known.modified_ms < object.modified_ms)) objects.set(object.key, object);
      }
    }
    return objects.values();
  }

  #readNote(name: string): IndexedObject | null {
    try {
      const object = JSON.parse(readFileSync(this.#path(name), 'utf8')) as IndexedObject;
      const isWhole = object.pieces.every(([piece, size]) => statSync(this.#path(piece)).size === size);
      return isWhole ? object : null;
    } catch {
      return null;
    }
  }

  /** By the time of the last change of the inode: a link made of an old file is new. */
  async #unchangedSince(start: string, beforeMs: number): Promise<string[]> {
    const names = await readdir(join(this.#folder, start));
    const ages = await Promise.all(names.map(async (name) => (await stat(this.#path(name)).catch(() => null))?.ctimeMs ?? Infinity));
    return names.filter((_, index) => ages[index]! < beforeMs);
  }

  #path(name: string): string {
    return join(this.#folder, name.slice(0, 2), name);
  }
}

function noteOf(object: IndexedObject): string {
  return `${object.object_id}.json`;
}

/** Makes the names in a folder durable. */
function syncNow(folder: string): void {
  const handle = openSync(folder, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

async function writeAll(file: FileHandle, body: AsyncIterable<Uint8Array>): Promise<WrittenFile> {
  const md5 = createHash('md5');
  let size = 0;
  for await (const chunk of body) {
    md5.update(chunk);
    for (let from = 0; from < chunk.byteLength;) from += (await file.write(chunk, from)).bytesWritten;
    size += chunk.byteLength;
  }
  return { size, md5: md5.digest('hex') };
}
