/** The ledger at work: its view of the log, and what it does by itself. Answers are given by the controllers. */
import { AccountRecord } from './account/account-record.ts';
import type { Account } from './book/account.ts';
import { FollowedBook, type SnapshotRules } from './book/followed-book.ts';
import type { Alarm } from './deadlines/alarm.ts';
import type { LedgerContext } from './ledger-context.ts';
import { Ledger } from './ledger.ts';
import { AutoReturnPolicy } from './policies/auto-return.policy.ts';
import { SettlementPolicy } from './policies/settlement.policy.ts';
import { WorkQueue } from './policies/work-queue.ts';
import { Histories } from './statement/histories.ts';

export interface Engine {
  ledger: Ledger;
  /** Nothing is under way, as far as the log is known. */
  readonly idle: boolean;
  /** From here on it acts: first upon what it has found in the log. */
  act(): void;
  /** Begins nothing new, finishes what is under way. */
  close(): Promise<void>;
}

/** Resolves when the log is known, or can't be read further: a ledger that stands still answers so, instead of being away. */
export async function openEngine(context: LedgerContext, alarm: Alarm, snapshots?: SnapshotRules): Promise<Engine> {
  const { clock, config, log, store } = context;
  const followed = await FollowedBook.open(context, snapshots);
  const { book, projection } = followed;
  await projection.ready.catch(() => undefined);
  const record = new AccountRecord(context, book, projection);
  const [money, returns] = [new WorkQueue(log), new WorkQueue(log)];
  const settlement = new SettlementPolicy(clock, config.KGPU_IDLE_RETURN, record, money);
  const autoReturn = new AutoReturnPolicy(context, book, projection, settlement, alarm, returns);
  const looks = new Looks((account) => {
    if (projection.halted !== null) return;
    settlement.look(account);
    autoReturn.look(account);
  }, () => autoReturn.arm());
  return {
    ledger: new Ledger(context, book, record, projection, new Histories(store, book, config.KGPU_IDLE_RETURN)),
    get idle() {
      return looks.idle && money.idle && returns.idle;
    },
    act() {
      followed.onChange((account) => looks.add(account));
      for (const account of book.accounts.values()) if (account.rentals.length > 0 || account.openedAt === null) looks.add(account);
    },
    async close() {
      autoReturn.close();
      await returns.close();
      await money.close();
      await followed.close();
    },
  };
}

/** Many changes of an account in a row are looked at once. */
class Looks {
  readonly #changed = new Set<Account>();

  constructor(
    private readonly look: (account: Account) => void,
    private readonly after: () => void,
  ) {}

  get idle(): boolean {
    return this.#changed.size === 0;
  }

  add(account: Account): void {
    if (this.#changed.size === 0) setImmediate(() => this.#lookAtAll());
    this.#changed.add(account);
  }

  #lookAtAll(): void {
    const changed = [...this.#changed];
    this.#changed.clear();
    changed.forEach(this.look);
    this.after();
  }
}
