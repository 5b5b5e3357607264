/** The book that follows the log: from a snapshot or from the start, told on to the policies, saved now and then. */
import { follow, type Projection } from '@kgpu/runtime';
import type { LedgerContext } from '../ledger-context.ts';
import type { Account } from './account.ts';
import { Book } from './book.ts';
import { SnapshotStore } from './snapshot.store.ts';

const CATEGORIES = ['directory', 'account', 'rental', 'run'];
/** After how many facts a snapshot is saved. What a start reads in a second or so is worth none. */
export interface SnapshotRules {
  every: number;
  atClose: number;
}

const usualRules: SnapshotRules = { every: 100_000, atClose: 10_000 };

export class FollowedBook {
  readonly projection: Projection;
  #changed: (account: Account) => void = () => undefined;
  #sinceSnapshot = 0;
  #lastId = '';
  #lastPosition = 0;
  #saving: Promise<void> | null = null;

  private constructor(
    readonly book: Book,
    after: number,
    private readonly context: LedgerContext,
    private readonly snapshots: SnapshotStore,
    private readonly rules: SnapshotRules,
  ) {
    this.projection = follow(context.store, { categories: CATEGORIES, after }, (event, { id, position }) => {
      const account = book.apply(event, id, position);
      this.#lastId = id;
      this.#lastPosition = position;
      if (++this.#sinceSnapshot >= rules.every) this.#save();
      if (account !== null) this.#changed(account);
    });
    this.projection.onHalt((error) => {
      context.log.fatal({ err: error }, 'the ledger stands still: nobody is charged or returned until this event can be read');
    });
  }

  static async open(context: LedgerContext, rules = usualRules): Promise<FollowedBook> {
    const snapshots = new SnapshotStore(context.config.KGPU_DATA_DIR, context.store, context.log);
    const snapshot = await snapshots.load();
    return new FollowedBook(snapshot?.book ?? new Book(), snapshot?.position ?? 0, context, snapshots, rules);
  }

  /** From here on every change is told. */
  onChange(changed: (account: Account) => void): void {
    this.#changed = changed;
  }

  async close(): Promise<void> {
    await this.projection.close();
    if (this.#sinceSnapshot >= this.rules.atClose && this.projection.halted === null) this.#save();
    await this.#saving;
  }

  #save(): void {
    if (this.#saving !== null) return;
    this.#sinceSnapshot = 0;
    this.#saving = this.snapshots.save(this.book, this.#lastPosition, this.#lastId)
      .catch((error: unknown) => this.context.log.warn({ err: error }, 'no snapshot could be saved; the next start takes longer'))
      .finally(() => (this.#saving = null));
  }
}
