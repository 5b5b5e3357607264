/**
 * The book as a file, so that a start need not read the whole log. Only a shortcut: one that is damaged, of another version or of
 * another log is left aside, and the book is made of the facts again.
 */
import { hash } from 'node:crypto';
import { open, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import type { EventStore } from '@kgpu/event-store';
import type { Logger } from 'pino';
import type { Account } from './account.ts';
import { Book } from './book.ts';

/** Rises with every change of what a book holds or how it is folded. */
const VERSION = 2;

export interface Snapshot {
  book: Book;
  position: number;
}

interface Head {
  version: number;
  position: number;
  /** The event at `position`: it tells this log from another. */
  event_id: string;
  sha256: string;
}

interface Body {
  accounts: Account[];
  pending: [string, string][];
}

export class SnapshotStore {
  readonly #file: string;

  constructor(
    dataDir: string,
    private readonly store: EventStore,
    private readonly log: Logger,
  ) {
    this.#file = join(dataDir, 'ledger-snapshot.json');
  }

  /** Null when there is none that can be used. */
  async load(): Promise<Snapshot | null> {
    const text = await readFile(this.#file, 'utf8').catch(() => null);
    if (text === null) return null;
    try {
      const line = text.indexOf('\n');
      const head = JSON.parse(text.slice(0, line)) as Head;
      const body = text.slice(line + 1);
      const wrong = await this.#wrong(head, body);
      if (wrong === null) return { book: bookOf(JSON.parse(body) as Body), position: head.position };
      this.log.warn({ file: this.#file }, `the snapshot ${wrong}; reading the whole log instead`);
    } catch (error) {
      this.log.warn({ err: error, file: this.#file }, 'the snapshot cannot be read; reading the whole log instead');
    }
    return null;
  }

  /** `position`: of the last fact that the book knows, whose id is `eventId`. Taken before the first await. */
  async save(book: Book, position: number, eventId: string): Promise<void> {
    const body = JSON.stringify({ accounts: [...book.accounts.values()], pending: [...book.pending] } satisfies Body);
    const head: Head = { version: VERSION, position, event_id: eventId, sha256: hash('sha256', body, 'hex') };
    const temporary = `${this.#file}.${process.pid}.tmp`;
    const file = await open(temporary, 'w', 0o600);
    try {
      await file.writeFile(`${JSON.stringify(head)}\n${body}`);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, this.#file);
  }

  async #wrong({ version, position, event_id, sha256 }: Head, body: string): Promise<string | null> {
    if (version !== VERSION) return `has version ${version}, not ${VERSION}`;
    if (hash('sha256', body, 'hex') !== sha256) return 'is damaged';
    const [event] = await this.store.readAll({ after: position - 1, limit: 1 });
    return event?.position === position && event.id === event_id ? null : 'is of another log';
  }
}

function bookOf({ accounts, pending }: Body): Book {
  const book = new Book();
  for (const account of accounts) {
    book.accounts.set(account.userId, account);
    for (const rental of account.rentals) book.rentals.set(rental.gpuId, rental);
  }
  for (const [gpuId, model] of pending) book.pending.set(gpuId, model);
  return book;
}
