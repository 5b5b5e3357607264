import { startBusService, type RunningService, type ServiceContext } from '@kgpu/runtime';
import { AccountRecord } from './account/account-record.ts';
import type { Account } from './book/account.ts';
import { FollowedBook } from './book/followed-book.ts';
import { LedgerModule } from './ledger.module.ts';
import { Ledger } from './ledger.ts';
import { AutoReturnPolicy } from './policies/auto-return.policy.ts';
import { ChargePolicy } from './policies/charge.policy.ts';
import { WorkQueue } from './policies/work-queue.ts';
import { Replays } from './replay/replays.ts';
import { Histories } from './statement/histories.ts';

/** Starts the ledger: its view of the log first, then its answers and the policies. */
export async function start(context: ServiceContext): Promise<RunningService> {
  const followed = await FollowedBook.open(context);
  const { book, projection } = followed;
  context.health.add('ledger', async () => {
    if (projection.halted !== null) throw projection.halted;
  });
  const record = new AccountRecord(context, book, projection);
  const [money, returns] = [new WorkQueue(context.log), new WorkQueue(context.log)];
  const charges = new ChargePolicy(book, record, money);
  const autoReturn = new AutoReturnPolicy(context, book, record, projection, money, returns);
  const replays = new Replays();
  try {
    // A ledger that stands still answers so, instead of being away for no reason that anybody could see.
    await projection.ready.catch(() => undefined);
    const ledger = new Ledger(context, book, record, projection, new Histories(context.store, book, context.config.KGPU_IDLE_RETURN));
    const service = await startBusService({ context, name: 'ledger', module: LedgerModule.with(ledger, replays) });
    const look = lookOnce((account) => {
      if (projection.halted !== null) return;
      charges.look(account);
      autoReturn.look(account);
    }, () => autoReturn.arm());
    followed.onChange(look);
    for (const account of book.accounts.values()) if (account.rentals.length > 0 || account.openedAt === null) look(account);
    return { close: once(() => closeAll([service, replays, autoReturn, returns, money, followed])) };
  } catch (error) {
    await closeAll([replays, autoReturn, returns, money, followed]);
    throw error;
  }
}

/** Many changes of an account in a row are looked at once. */
function lookOnce(look: (account: Account) => void, after: () => void): (account: Account) => void {
  const changed = new Set<Account>();
  return (account) => {
    if (changed.size === 0) {
      setImmediate(() => {
        changed.forEach(look);
        changed.clear();
        after();
      });
    }
    changed.add(account);
  };
}

interface Closable {
  close(): Promise<void> | void;
}

/** One after the other: who uses something closes before it. */
async function closeAll(parts: readonly Closable[]): Promise<void> {
  for (const part of parts) await part.close();
}

function once(close: () => Promise<void>): () => Promise<void> {
  let closing: Promise<void> | null = null;
  return () => (closing ??= close());
}
