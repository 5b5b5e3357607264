/** What every rental should have been charged, worked out from its facts, against what it was charged. */
import type { EventData, KgpuEvent } from '@kgpu/contracts';
import type { RecordedEvent } from '@kgpu/event-store';
import { Book, liveRules } from '../book/book.ts';
import { MINUTE_MS, type Rental } from '../book/rental.ts';
import type { Charge } from '../account/account.ts';
import { chargeOf } from '../account/charge-of.ts';
import type { Findings } from './findings.ts';

type Charged = EventData<'RentalCharged'>;

export class ChargeCheck {
  /** Its charges follow from the facts: a wrong one that was recorded changes nothing of what comes after it. */
  readonly #book = new Book({ ...liveRules, charges: 'recomputed' });
  readonly #charged = new Set<string>();

  constructor(private readonly found: Findings) {}

  check(event: KgpuEvent, { id, position }: RecordedEvent): void {
    if (event.type === 'RentalCharged') this.#compare(event.data, position);
    if (event.type === 'RentalReturnDue') this.#checkDue(event.data, position);
    this.#book.apply(event, id, position);
  }

  /** After the last fact: `open` are rentals that the ledger is about to charge. */
  finish(open: ReadonlySet<string>): void {
    for (const [gpuId, rental] of this.#book.rentals) {
      if (rental.end === null || open.has(gpuId)) continue;
      const { endedAt, minutes } = chargeOf(rental);
      this.found.add({ kind: 'charge_missing', user_id: rental.userId, gpu_id: gpuId, message: `ended at ${endedAt}; ${minutes} minutes were never charged` });
    }
  }

  #compare(data: Charged, position: number): void {
    const place = { user_id: data.user_id, gpu_id: data.gpu_id, position };
    const rental = this.#book.rentals.get(data.gpu_id);
    if (this.#charged.has(data.gpu_id)) {
      this.found.add({ kind: 'charge_doubled', ...place, message: 'the rental had been charged before' });
    } else if (rental === undefined || rental.end === null) {
      this.found.add({ kind: 'charge_without_rental', ...place, message: 'no rental has ended that this charge could be for' });
    } else {
      const wrong = wrongFields(data, chargeOf(rental));
      if (wrong !== '') this.found.add({ kind: 'charge_changed', ...place, message: wrong });
    }
    this.#charged.add(data.gpu_id);
  }

  /** Of idleness the facts don't tell what the rule was then. */
  #checkDue(data: EventData<'RentalReturnDue'>, position: number): void {
    const rental = this.#book.rentals.get(data.gpu_id);
    if (rental === undefined) return;
    const wrong = wrongDue(rental, Date.parse(data.due_at), data.reason);
    if (wrong !== null) this.found.add({ kind: 'return_changed', user_id: data.user_id, gpu_id: data.gpu_id, position, message: `due at ${data.due_at}, ${wrong}` });
  }
}

function wrongDue({ startedAt, expiresAt }: Rental, at: number, reason: EventData<'RentalReturnDue'>['reason']): string | null {
  if (at < startedAt) return 'which is before it started';
  if (at > expiresAt) return `which is after its duration, ${new Date(expiresAt).toISOString()}`;
  if (reason === 'duration_expired' && at !== expiresAt) return `which is before the end of its duration, ${new Date(expiresAt).toISOString()}`;
  if (reason === 'out_of_credits' && (at - startedAt) % MINUTE_MS !== 0) return 'which is within a minute that it had begun to pay';
  return null;
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
