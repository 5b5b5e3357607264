/**
 * The book as a file, so that a start need not read the whole log. Only a shortcut: one that is damaged, of another version or of
 * another log is left aside, and the book is made of the facts again. Lines of JSON: a head, accounts, what is pending, and the
 * hash of all that.
 */
import { createHash } from 'node:crypto';
import { closeSync, createReadStream, openSync, writeSync } from 'node:fs';
import { access, open, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { EventStore } from '@kgpu/event-store';
import type { Logger } from 'pino';
import type { Account } from './account.ts';
import { Book } from './book.ts';

/** Rises with every change of what a book holds or how it is folded. */
const VERSION = 4;
/** So many at a time: the text of all of them would need as much memory as the book. */
const ACCOUNTS_A_LINE = 500;

export interface Snapshot {
  book: Book;
  position: number;
}

interface Head {
  version: number;
  position: number;
  /** The event at `position`: it tells this log from another. */
  event_id: string;
}

type Line = { head: Head } | { accounts: Account[] } | { pending: [string, string][] } | { sha256: string };

export class SnapshotStore {
  readonly #file: string;

  constructor(
    dataDir: string,
    private readonly store: EventStore,
    private readonly log: Logger,
  ) {
    this.#file = join(dataDir, 'ledger-snapshot.jsonl');
  }

  /** Null when there is none that can be used. */
  async load(): Promise<Snapshot | null> {
    const exists = await access(this.#file).then(() => true, () => false);
    if (!exists) return null;
    try {
      const read = await this.#read();
      if (typeof read !== 'string') return read;
      this.log.warn({ file: this.#file }, `the snapshot ${read}; reading the whole log instead`);
    } catch (error) {
      this.log.warn({ err: error, file: this.#file }, 'the snapshot cannot be read; reading the whole log instead');
    }
    return null;
  }

  /** `position`: of the last fact that the book knows, whose id is `eventId`. The book is written before the first await. */
  async save(book: Book, position: number, eventId: string): Promise<void> {
    // One name: what a killed process has left of it is written over.
    const temporary = `${this.#file}.tmp`;
    const file = openSync(temporary, 'w', 0o600);
    try {
      const hash = createHash('sha256');
      for (const line of linesOf(book, { version: VERSION, position, event_id: eventId })) {
        const text = `${JSON.stringify(line)}\n`;
        hash.update(text);
        writeSync(file, text);
      }
      writeSync(file, `${JSON.stringify({ sha256: hash.digest('hex') } satisfies Line)}\n`);
    } finally {
      closeSync(file);
    }
    await synced(temporary);
    await rename(temporary, this.#file);
  }

  /** Or what is wrong with it. */
  async #read(): Promise<Snapshot | string> {
    const book = new Book();
    const hash = createHash('sha256');
    let position = 0;
    for await (const text of createInterface({ input: createReadStream(this.#file), crlfDelay: Infinity })) {
      const line = JSON.parse(text) as Line;
      if ('sha256' in line) return line.sha256 === hash.digest('hex') ? { book, position } : 'is damaged';
      hash.update(`${text}\n`);
      if ('head' in line) {
        const wrong = await this.#wrong(line.head);
        if (wrong !== null) return wrong;
        ({ position } = line.head);
      } else {
        take(book, line);
      }
    }
    return 'has no end';
  }

  async #wrong({ version, position, event_id }: Head): Promise<string | null> {
    if (version !== VERSION) return `has version ${version}, not ${VERSION}`;
    const [event] = await this.store.readAll({ after: position - 1, limit: 1 });
    return event?.position === position && event.id === event_id ? null : 'is of another log';
  }
}

function* linesOf(book: Book, head: Head): Generator<Line> {
  yield { head };
  let accounts: Account[] = [];
  for (const account of book.accounts.values()) {
    if (accounts.push(account) < ACCOUNTS_A_LINE) continue;
    yield { accounts };
    accounts = [];
  }
  yield { accounts };
  yield { pending: [...book.pending] };
}

function take(book: Book, line: { accounts: Account[] } | { pending: [string, string][] }): void {
  if ('pending' in line) {
    for (const [gpuId, model] of line.pending) book.pending.set(gpuId, model);
    return;
  }
  for (const account of line.accounts) {
    book.accounts.set(account.userId, account);
    for (const rental of account.rentals) book.rentals.set(rental.gpuId, rental);
  }
}

async function synced(path: string): Promise<void> {
  const file = await open(path, 'r+');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}
