import { randomBytes } from 'node:crypto';
import { close, closeSync, constants, existsSync, fdatasync, fsyncSync, mkdirSync, openSync, readdirSync, readSync, statSync, unlinkSync, writev } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

const writeTo = promisify(writev);
const sync = promisify(fdatasync);

/** A stream goes on in a new file after so much, so that the space of what is truncated comes back soon. */
const longestFileBytes = 16 * 1024 * 1024;
const mostOpen = 64;

/** Where a body is, as the database holds it: `<file>:<offset>:<length>`. */
export type BodyPlace = string;

export interface Placed {
  places: BodyPlace[];
  /** Whether nobody has removed the file meanwhile, taking it for one that nothing refers to. To be asked under the write lock. */
  isThere(): boolean;
}

interface OpenFile {
  name: string;
  fd: number;
  /** Where the next bodies go. */
  end: number;
  writes: number;
  isLetGo: boolean;
}

/** A body's file is not there, or too short: it was removed with its events just now, or the log is broken. */
export class BodyMissing extends Error {
  override readonly name = 'BodyMissing';
}

/**
 * Large bodies of events, in a folder beside the database: SQLite would write them twice, through its log, while nothing else
 * goes on. A file belongs to one stream and one instance of the store, so that nobody ever writes where somebody else does;
 * bytes are durable before the database refers to them, and what it does not refer to is nothing.
 */
export class BodyFiles {
  readonly #folder: string;
  /** By stream, the one used last at the end. */
  readonly #open = new Map<string, OpenFile>();

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Resolves when they are durable. The bodies must not change until then. */
  async write(stream: string, bodies: readonly Uint8Array[]): Promise<Placed> {
    const file = this.#fileOf(stream);
    const start = file.end;
    let end = start;
    const places = bodies.map(({ length }) => `${file.name}:${(end += length) - length}:${length}`);
    file.end = end;
    file.writes++;
    try {
      await writeAll(file.fd, bodies, start, end - start);
      await sync(file.fd);
    } catch (error) {
      this.#letGo(stream, file);
      throw error;
    } finally {
      file.writes--;
      closeUnused(file);
    }
    const path = join(this.#folder, file.name);
    return {
      places,
      isThere: () => {
        const isThere = existsSync(path);
        if (!isThere) this.#letGo(stream, file);
        return isThere;
      },
    };
  }

  /** @throws BodyMissing */
  read(place: BodyPlace, into?: Buffer): Buffer {
    const [file = '', start, length] = place.split(':');
    const body = into !== undefined && into.length >= Number(length) ? into.subarray(0, Number(length)) : Buffer.allocUnsafeSlow(Number(length));
    const fd = this.#openToRead(file);
    try {
      for (let at = 0; at < body.length;) {
        const read = readSync(fd, body, at, body.length - at, Number(start) + at);
        if (read === 0) throw new BodyMissing(`${file} ends before ${Number(start) + body.length}`);
        at += read;
      }
    } finally {
      closeSync(fd);
    }
    return body;
  }

  /** Names of all files that nobody has written to since `before`. */
  writtenBefore(before: Date): string[] {
    return namesIn(this.#folder).filter((name) => (statSync(join(this.#folder, name), { throwIfNoEntry: false })?.mtime ?? before) < before);
  }

  /** A repeat does nothing. */
  remove(name: string): void {
    try {
      unlinkSync(join(this.#folder, name));
    } catch (error) {
      if (!isMissing(error)) throw error;
    }
  }

  /** Nothing may be written any more. */
  close(): void {
    for (const [stream, file] of this.#open) this.#letGo(stream, file);
  }

  #fileOf(stream: string): OpenFile {
    const known = this.#open.get(stream);
    this.#open.delete(stream);
    const isFull = known !== undefined && known.end >= longestFileBytes;
    if (isFull) this.#letGo(stream, known);
    const file = known === undefined || isFull ? this.#newFile() : known;
    this.#open.set(stream, file);
    if (this.#open.size > mostOpen) this.#letGo(...this.#open.entries().next().value!);
    return file;
  }

  #newFile(): OpenFile {
    const name = randomBytes(12).toString('hex');
    if (mkdirSync(this.#folder, { recursive: true, mode: 0o700 }) !== undefined) syncFolder(dirname(this.#folder));
    const fd = openSync(join(this.#folder, name), 'wx', 0o600);
    syncFolder(this.#folder);
    return { name, fd, end: 0, writes: 0, isLetGo: false };
  }

  #letGo(stream: string, file: OpenFile): void {
    if (this.#open.get(stream) === file) this.#open.delete(stream);
    file.isLetGo = true;
    closeUnused(file);
  }

  #openToRead(name: string): number {
    try {
      return openSync(join(this.#folder, name), constants.O_RDONLY);
    } catch (error) {
      if (isMissing(error)) throw new BodyMissing(`there is no ${name}`, { cause: error });
      throw error;
    }
  }
}

async function writeAll(fd: number, bodies: readonly Uint8Array[], start: number, length: number): Promise<void> {
  const { bytesWritten } = await writeTo(fd, bodies, start);
  if (bytesWritten === length) return;
  // Seldom (a disk that is almost full): from the beginning, in one piece, so that there is one thing to count.
  const whole = Buffer.concat(bodies);
  for (let at = 0; at < length;) at += (await writeTo(fd, [whole.subarray(at)], start + at)).bytesWritten;
}

function closeUnused(file: OpenFile): void {
  if (!file.isLetGo || file.writes > 0 || file.fd < 0) return;
  const { fd } = file;
  file.fd = -1;
  close(fd, () => {});
}

/** A name that the folder does not hold durably is no place to keep anything. */
function syncFolder(folder: string): void {
  const fd = openSync(folder, constants.O_RDONLY);
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

function isMissing(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'ENOENT';
}
