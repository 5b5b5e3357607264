/** Makes the history of an account: from its stream and what runs now, or from what was recorded up to a position. */
import { eventCodec, type AccountEvent } from '@kgpu/contracts';
import type { EventStore, RecordedEvent } from '@kgpu/event-store';
import { settledAt, type Account } from '../book/account.ts';
import { Book } from '../book/book.ts';
import { minutesUntil } from '../book/rental.ts';
import { stretchOfCharge, stretchOfRental, type History, type Stretch } from './stretch.ts';

const PAGE_SIZE = 5_000;

export class Histories {
  constructor(
    private readonly store: EventStore,
    private readonly book: Book,
    private readonly idleReturnMs: number,
  ) {}

  /** With everything that is recorded; deadlines are met up to `now`. Null when there is no account. */
  async latest(userId: number, now: number): Promise<History | null> {
    for (;;) {
      const recorded = await this.#stream(`account-${userId}`, Infinity);
      const account = this.book.accounts.get(userId);
      if (account === undefined) return null;
      // The book has gone on while the stream was read: a charge could be in neither.
      if (recorded.length < account.facts) continue;
      const history = historyOf(userId, recorded.slice(0, account.facts));
      history?.stretches.push(...openStretches(account, now, this.idleReturnMs));
      return history;
    }
  }

  /**
   * With what was recorded up to `position` only. What ran then ends at its duration or with the credits, as far as could be
   * known then; idle returns count from their record on.
   */
  async asOf(userId: number, position: number, now: number): Promise<History | null> {
    const all = await this.#stream(`account-${userId}`, Infinity);
    const gpuIds = new Set(all.flatMap(({ type, data }) => (type === 'RentalCharged' ? [(data as { gpu_id: string }).gpu_id] : [])));
    for (const { gpuId } of this.book.accounts.get(userId)?.rentals ?? []) gpuIds.add(gpuId);
    const known = all.filter((event) => event.position <= position);
    const history = historyOf(userId, known);
    if (history === null) return null;
    const rentals = await Promise.all([...gpuIds].map((gpuId) => this.#stream(`rental-${gpuId}`, position)));
    const book = new Book();
    for (const recorded of [...known, ...rentals.flat()].sort((a, b) => a.position - b.position)) {
      book.apply(eventCodec.decode(recorded), recorded.id, recorded.position);
    }
    history.stretches.push(...openStretches(book.accounts.get(userId)!, now, Infinity));
    return history;
  }

  async #stream(stream: string, upTo: number): Promise<RecordedEvent[]> {
    const events: RecordedEvent[] = [];
    for (;;) {
      const page = await this.store.read(stream, { from: events.length, limit: PAGE_SIZE });
      events.push(...page);
      if (page.length < PAGE_SIZE || page.at(-1)!.position > upTo) return upTo === Infinity ? events : events.filter(({ position }) => position <= upTo);
    }
  }
}

function historyOf(userId: number, recorded: readonly RecordedEvent[]): History | null {
  const history: History = { userId, openedAt: NaN, openedPosition: 0, startingUnits: 0, grants: [], stretches: [] };
  for (const event of recorded) {
    const { type, data } = eventCodec.decode<AccountEvent>(event);
    if (type === 'AccountOpened') Object.assign(history, { openedAt: Date.parse(data.at), openedPosition: event.position, startingUnits: data.units });
    if (type === 'AccountOpened' || type === 'CreditsGranted') history.grants.push({ at: Date.parse(data.at), units: data.units });
    if (type === 'RentalCharged') history.stretches.push(stretchOfCharge(data));
  }
  return Number.isNaN(history.openedAt) ? null : history;
}

/** What is not charged yet, deadlines met up to `now`. `cut`: what runs counts as if it stopped then. */
export function openStretches(account: Account, now: number, idleReturnMs: number, cut?: number): Stretch[] {
  return settledAt(account, now, idleReturnMs).rentals.map((rental) => {
    const stretch = stretchOfRental(rental);
    return cut === undefined || stretch.minutes < Infinity ? stretch : { ...stretch, until: cut, minutes: minutesUntil(rental, cut) };
  });
}
