/** The statement of an account: its money facts newest first, each with the balance after it. */
import { creditsRoundedDown, eventCodec, Problem, type AccountEvent, type EventData, type LedgerEntry } from '@kgpu/contracts';
import type { EventStore, RecordedEvent } from '@kgpu/event-store';
import type { Account } from '../book/account.ts';
import { minutesUntil } from '../book/rental.ts';

export interface EntryPage {
  entries: LedgerEntry[];
  next_cursor: string | null;
}

/** Where a page begins: the revision of its first fact at most, and the recorded balance after that. */
interface Cursor {
  revision: number;
  units: number;
}

/** What runs or is not charged yet at `now`, as it stands above the recorded entries. */
export function runningEntries(account: Account, now: number): LedgerEntry[] {
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

/** Recorded entries from the cursor on; `units` is the recorded balance after the fact whose hash is `hash`, the last that counts. */
export async function recordedEntries(store: EventStore, userId: number, newest: { units: number; hash: string }, cursor: string | null, limit: number): Promise<EntryPage> {
  const stream = `account-${userId}`;
  const entries: LedgerEntry[] = [];
  let place = cursor === null ? null : readCursor(cursor);
  for (;;) {
    const page = await store.read(stream, { backwards: true, limit: limit + 1, ...(place === null ? {} : { from: place.revision }) });
    const known = place === null ? from(page, newest.hash) : page;
    let { units } = place ?? newest;
    for (const recorded of known) {
      if (entries.length === limit) return { entries, next_cursor: `${recorded.revision}.${units}` };
      const entry = entryOf(recorded, units);
      if (entry === null) continue;
      entries.push(entry);
      units -= entry.units;
    }
    const last = known.at(-1);
    if (last === undefined || last.revision === 0) return { entries, next_cursor: null };
    place = { revision: last.revision - 1, units };
  }
}

/** The events from the one with this hash on: those before it have come since the balance was read. */
function from(page: RecordedEvent[], hash: string): RecordedEvent[] {
  const first = page.findIndex(({ data }) => (data as { hash?: string }).hash === hash);
  if (first < 0 && page.length > 0) throw new Problem('service_timeout', 'The account changes too fast to be read; try again.', { retry_after_seconds: 1 });
  return page.slice(first);
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
  const match = /^(\d{1,12})\.(-?\d{1,16})$/.exec(cursor);
  if (match === null) throw new Problem('invalid_request', undefined, { errors: [{ pointer: '/query/cursor', message: 'must be next_cursor of the page before' }] });
  return { revision: Number(match[1]), units: Number(match[2]) };
}
