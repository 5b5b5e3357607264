import { chargedUntil, minutesUntil, type Rental } from '../book/rental.ts';
import type { Charge } from './account.ts';

/** What a rental that has ended costs. */
export function chargeOf(rental: Rental): Charge {
  const { gpuId, gpuModel, pricePerHourCredits, startedAt, startedId, due, end } = rental;
  const causes = [startedId, ...(due?.eventId == null ? [] : [due.eventId]), ...(end === null ? [] : [end.eventId])];
  return {
    gpuId, gpuModel, pricePerHourCredits, minutes: minutesUntil(rental, Infinity), causedBy: causes,
    startedAt: iso(startedAt), endedAt: iso(end?.at ?? startedAt), chargedUntil: iso(chargedUntil(rental) ?? startedAt),
  };
}

function iso(at: number): string {
  return new Date(at).toISOString();
}
