/** What every rental should have been charged, worked out from its facts, against what it was charged. */
import type { EventData, KgpuEvent } from '@kgpu/contracts';
import type { RecordedEvent } from '@kgpu/event-store';
import { Book, liveRules } from '../book/book.ts';
import type { Rental } from '../book/rental.ts';
import type { Charge } from '../account/account.ts';
import { chargeOf } from '../policies/charge.policy.ts';
import type { Findings } from './findings.ts';

type Charged = EventData<'RentalCharged'>;

export class ChargeCheck {
  readonly #book = new Book({ ...liveRules, charges: 'at_end' });
  /** Ended and not charged yet. */
  readonly #expected = new Map<string, { userId: number; charge: Charge }>();
  readonly #charged = new Set<string>();

  constructor(private readonly found: Findings) {}

  check(event: KgpuEvent, { id, position }: RecordedEvent): void {
    if (event.type === 'RentalCharged') {
      this.#compare(event.data, position);
    } else if (event.type === 'RentalEnded') {
      const rental = this.#book.rentals.get(event.data.gpu_id);
      this.#book.apply(event, id, position);
      if (rental !== undefined) this.#expect(rental);
    } else {
      this.#book.apply(event, id, position);
    }
  }

  /** After the last fact: `open` are rentals that the ledger is about to charge. */
  finish(open: ReadonlySet<string>): void {
    for (const [gpuId, { userId, charge }] of this.#expected) {
      if (open.has(gpuId)) continue;
      this.found.add({ kind: 'charge_missing', user_id: userId, gpu_id: gpuId, message: `ended at ${charge.endedAt}; ${charge.minutes} minutes were never charged` });
    }
  }

  #expect(rental: Rental): void {
    this.#expected.set(rental.gpuId, { userId: rental.userId, charge: chargeOf(rental) });
  }

  #compare(data: Charged, position: number): void {
    const place = { user_id: data.user_id, gpu_id: data.gpu_id, position };
    const expected = this.#expected.get(data.gpu_id)?.charge;
    if (this.#charged.has(data.gpu_id)) {
      this.found.add({ kind: 'charge_doubled', ...place, message: 'the rental had been charged before' });
    } else if (expected === undefined) {
      this.found.add({ kind: 'charge_without_rental', ...place, message: 'no rental has ended that this charge could be for' });
    } else {
      const wrong = wrongFields(data, expected);
      if (wrong !== '') this.found.add({ kind: 'charge_changed', ...place, message: wrong });
    }
    this.#charged.add(data.gpu_id);
    this.#expected.delete(data.gpu_id);
    const account = this.#book.accounts.get(data.user_id);
    if (account !== undefined) account.charged -= data.waived_minutes * data.price_per_hour_credits;
  }
}

function wrongFields(data: Charged, expected: Charge): string {
  const pairs: [string, unknown, unknown][] = [
    ['minutes', data.minutes + data.waived_minutes, expected.minutes],
    ['price_per_hour_credits', data.price_per_hour_credits, expected.pricePerHourCredits],
    ['units', data.units, data.minutes * data.price_per_hour_credits],
    ['started_at', data.started_at, expected.startedAt],
    ['ended_at', data.ended_at, expected.endedAt],
    ['charged_until', data.charged_until, expected.chargedUntil],
    ['caused_by', data.caused_by.join(' '), expected.causedBy.join(' ')],
  ];
  return pairs.filter(([, is, should]) => is !== should).map(([name, is, should]) => `${name} is ${String(is)}, follows as ${String(should)}`).join('; ');
}
