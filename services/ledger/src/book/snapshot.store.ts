/** The book as a file, so that a start need not read the whole log. */
import { join } from 'node:path';
import type { EventStore } from '@kgpu/event-store';
import { SnapshotFile } from '@kgpu/runtime';
import type { Logger } from 'pino';
import type { Account } from './account.ts';
import { Book } from './book.ts';

/** Rises with every change of what a book holds or how it is folded. */
const VERSION = 5;
const ACCOUNTS_A_LINE = 500;

export interface Snapshot {
  book: Book;
  position: number;
}

type Line = { accounts: Account[] } | { pending: [string, string][] };

export class SnapshotStore {
  readonly #file: SnapshotFile<Line>;

  constructor(dataDir: string, store: EventStore, log: Logger) {
    this.#file = new SnapshotFile({ file: join(dataDir, 'ledger-snapshot.jsonl'), version: VERSION, store, log });
  }

  /** Null when there is none that can be used. */
  async load(): Promise<Snapshot | null> {
    const book = new Book();
    const position = await this.#file.load((line) => take(book, line));
    return position === null ? null : { book, position };
  }

  /** `position`: of the last fact that the book knows, whose id is `eventId`. The book is written before the first await. */
  save(book: Book, position: number, eventId: string): Promise<void> {
    return this.#file.save(linesOf(book), position, eventId);
  }
}

function* linesOf(book: Book): Generator<Line> {
  let accounts: Account[] = [];
  for (const account of book.accounts.values()) {
    if (accounts.push(account) < ACCOUNTS_A_LINE) continue;
    yield { accounts };
    accounts = [];
  }
  yield { accounts };
  yield { pending: [...book.pending] };
}

function take(book: Book, line: Line): void {
  if ('pending' in line) {
    for (const [gpuId, model] of line.pending) book.pending.set(gpuId, model);
    return;
  }
  for (const account of line.accounts) {
    book.accounts.set(account.userId, account);
    for (const rental of account.rentals) book.rentals.set(rental.gpuId, rental);
  }
}
