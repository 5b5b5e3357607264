/**
 * Recomputes every charge from the facts of the rentals and compares it with what was recorded; follows the hash chain of every
 * account; adds everything up. It reads the store and believes nothing that is in memory, except to compare with it.
 */
import { eventCodec, type AuditReport, type KgpuEvent } from '@kgpu/contracts';
import type { EventStore, RecordedEvent } from '@kgpu/event-store';
import type { Book } from '../book/book.ts';
import { AccountChains, type Claim } from './account-chains.ts';
import { ChargeCheck } from './charge-check.ts';
import { Findings } from './findings.ts';

const PAGE_SIZE = 5_000;

/** Of a ledger that knows the log up to `position`. */
export function claimOf(book: Book, position: number): Claim {
  const accounts = new Map([...book.accounts.values()].map(({ userId, granted, charged }) => [userId, { granted, charged }]));
  return { position, accounts, open: new Set(book.rentals.keys()) };
}

/** Of one that stands still: everything is checked that is on record up to `position`. */
export function noClaim(position: number): Claim {
  return { position, accounts: null, open: new Set() };
}

/** `halted`: why the ledger stands still. */
export async function audit(store: EventStore, claim: Claim, halted: Error | null = null): Promise<AuditReport> {
  const started = performance.now();
  const found = new Findings();
  if (halted !== null) found.add({ kind: 'ledger_halted', message: halted.message });
  const chains = new AccountChains(found);
  const charges = new ChargeCheck(found);
  let checked = 0;
  try {
    for await (const recorded of eventsUpTo(store, claim.position)) {
      checked++;
      if (recorded.stream.startsWith('account-')) chains.check(recorded);
      const event = decoded(recorded, found);
      if (event !== null) charges.check(event, recorded);
    }
    charges.finish(claim.open);
    chains.compare(claim);
  } catch (error) {
    found.add({ kind: 'event_unreadable', message: error instanceof Error ? error.message : String(error) });
  }
  const sums = chains.sums(claim);
  return {
    ok: found.count === 0 && sums.ok, checked_events: checked, differences: found.list, difference_count: found.count, chain_ok: chains.ok, sums,
    accounts: chains.size, position: claim.position, elapsed_seconds: Math.round(performance.now() - started) / 1_000,
  };
}

async function* eventsUpTo(store: EventStore, position: number): AsyncGenerator<RecordedEvent> {
  for (let after = 0; after < position;) {
    const page = await store.readAll({ categories: ['account', 'rental'], after, limit: PAGE_SIZE });
    for (const recorded of page) {
      if (recorded.position > position) return;
      yield recorded;
    }
    if (page.length < PAGE_SIZE) return;
    after = page.at(-1)!.position;
    // Others get their answers while an audit runs.
    await new Promise(setImmediate);
  }
}

function decoded(recorded: RecordedEvent, found: Findings): KgpuEvent | null {
  try {
    return eventCodec.decode(recorded);
  } catch (error) {
    found.add({ kind: 'event_unreadable', position: recorded.position, message: (error as Error).message });
    return null;
  }
}
