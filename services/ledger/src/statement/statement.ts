/** The statement of an account: its money facts newest first, each with the balance after it. */
import { creditsRoundedDown, eventCodec, Problem, type AccountEvent, type EventData, type LedgerEntry } from '@kgpu/contracts';
import type { EventStore, RecordedEvent } from '@kgpu/event-store';
import type { Account } from '../book/account.ts';
import { minutesUntil } from '../book/rental.ts';

export interface EntryPage {
  entries: LedgerEntry[];
  next_cursor: string | null;
}

/** Where a page begins: among what runs; or at a revision at most, with the recorded balance after that. */
type Cursor = { running: number } | { revision: number; units: number };

/**
 * One page: what runs or is not charged yet at `now` first, as it stands above the recorded entries. `account` has met its
 * deadlines.
 */
export async function statementPage(store: EventStore, account: Account, now: number, cursor: string | null, limit: number): Promise<EntryPage> {
  const place = cursor === null ? { running: 0 } : readCursor(cursor);
  const newest = { revision: account.facts - 1, units: account.granted - account.charged };
  if (!('running' in place)) {
    if (place.revision > newest.revision) throw wrongCursor();
    return recordedEntries(store, account.userId, place, limit);
  }
  const all = runningEntries(account, now);
  const running = all.slice(place.running, place.running + limit);
  const shown = place.running + running.length;
  if (running.length === limit) return { entries: running, next_cursor: shown < all.length ? `running.${shown}` : `${newest.revision}.${newest.units}` };
  const recorded = await recordedEntries(store, account.userId, newest, limit - running.length);
  return { ...recorded, entries: [...running, ...recorded.entries] };
}

function runningEntries(account: Account, now: number): LedgerEntry[] {
  let units = account.granted - account.charged;
  const entries = [...account.rentals].sort((a, b) => a.startedAt - b.startedAt).map((rental): LedgerEntry => {
    const minutes = minutesUntil(rental, now);
    const cost = minutes * rental.pricePerHourCredits;
    units -= cost;
    return {
      entry_id: `running:${rental.gpuId}`, at: new Date(now).toISOString(), kind: 'running', ...amounts(-cost, units), gpu_id: rental.gpuId, minutes,
      price_per_hour_credits: rental.pricePerHourCredits, caused_by: [rental.startedId, ...(rental.end === null ? [] : [rental.end.eventId])],
    };
  });
  return entries.reverse();
}

/** From a revision on, backwards; `units` is the recorded balance after it. */
async function recordedEntries(store: EventStore, userId: number, from: { revision: number; units: number }, limit: number): Promise<EntryPage> {
  const entries: LedgerEntry[] = [];
  for (let { revision, units } = from; ;) {
    const page = await store.read(`account-${userId}`, { backwards: true, limit: limit + 1, from: revision });
    for (const recorded of page) {
      if (entries.length === limit) return { entries, next_cursor: `${recorded.revision}.${units}` };
      const entry = entryOf(recorded, units);
      if (entry === null) continue;
      entries.push(entry);
      units -= entry.units;
    }
    const last = page.at(-1);
    if (last === undefined || last.revision === 0) return { entries, next_cursor: null };
    revision = last.revision - 1;
  }
}

function entryOf(recorded: RecordedEvent, unitsAfter: number): LedgerEntry | null {
  const { type, data } = eventCodec.decode<AccountEvent>(recorded);
  const common = { entry_id: recorded.id, at: data.at };
  switch (type) {
    case 'AccountOpened':
      return { ...common, kind: 'opening', ...amounts(data.units, unitsAfter), caused_by: [] };
    case 'CreditsGranted':
      return { ...common, kind: data.units > 0 ? 'grant' : 'take_back', ...amounts(data.units, unitsAfter), ...(data.note === null ? {} : { note: data.note }), caused_by: [] };
    case 'RentalCharged':
      return { ...common, kind: 'charge', ...amounts(-data.units, unitsAfter), ...chargeFields(data) };
    case 'RentalReturnDue':
      return null;
  }
}

function chargeFields({ gpu_id, minutes, waived_minutes, price_per_hour_credits, caused_by }: EventData<'RentalCharged'>) {
  const note = waived_minutes === 0 ? {} : { note: `${waived_minutes} minutes could not be paid and are not charged` };
  return { gpu_id, minutes, price_per_hour_credits, ...note, caused_by };
}

/** The rounded balance falls by what is told: so that entries sum up to it, whatever is rounded. */
function amounts(units: number, unitsAfter: number): Pick<LedgerEntry, 'credits' | 'units' | 'balance_after'> {
  const balance = creditsRoundedDown(unitsAfter);
  return { credits: balance - creditsRoundedDown(unitsAfter - units), units, balance_after: balance };
}

function readCursor(cursor: string): Cursor {
  const running = /^running\.(\d{1,6})$/.exec(cursor);
  if (running !== null) return { running: Number(running[1]) };
  const recorded = /^(\d{1,12})\.(-?\d{1,16})$/.exec(cursor);
  if (recorded !== null) return { revision: Number(recorded[1]), units: Number(recorded[2]) };
  throw wrongCursor();
}

function wrongCursor(): Problem {
  return new Problem('invalid_request', undefined, { errors: [{ pointer: '/query/cursor', message: 'must be next_cursor of the page before' }] });
}
