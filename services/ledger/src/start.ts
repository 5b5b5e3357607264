import { follow, startBusService, type Projection, type StartService } from '@kgpu/runtime';
import { AccountRecord } from './account/account-record.ts';
import { Accounts } from './account/accounts.projection.ts';
import { AutoReturnPolicy } from './auto-return.policy.ts';
import { ChargePolicy } from './charge.policy.ts';
import { LedgerModule } from './ledger.module.ts';
import { Ledger } from './ledger.ts';

const followed = { categories: ['account', 'rental', 'directory'] };

/** Starts the ledger: its view of the log first, then its answers and the policies. */
export const start: StartService = async (context) => {
  const accounts = new Accounts();
  let moved = (_userId: number | null): void => {};
  const projection = follow(context.store, followed, (event, { id }) => moved(accounts.apply(event, id)));
  context.health.add('ledger', async () => notHalted(projection));
  const record = new AccountRecord(context, accounts, projection);
  const charges = new ChargePolicy(accounts, record, context.log);
  const autoReturn = new AutoReturnPolicy(context, accounts, projection);
  try {
    await projection.ready;
    moved = (userId) => {
      charges.look();
      if (userId !== null) autoReturn.changed(userId);
    };
    const service = await startBusService({ context, name: 'ledger', module: LedgerModule.with(new Ledger(context, accounts, record, projection)) });
    charges.look();
    autoReturn.start();
    return { close: once(() => closeAll([service, charges, autoReturn, projection])) };
  } catch (error) {
    await closeAll([charges, autoReturn, projection]);
    throw error;
  }
};

interface Closable {
  close(): Promise<void>;
}

/** One after the other: who uses something closes before it. */
async function closeAll(parts: readonly Closable[]): Promise<void> {
  for (const part of parts) await part.close();
}

function once(close: () => Promise<void>): () => Promise<void> {
  let closing: Promise<void> | null = null;
  return () => (closing ??= close());
}

/** A projection that stands still must not decide about money unnoticed. */
function notHalted({ halted }: Projection): void {
  if (halted !== null) throw halted;
}
