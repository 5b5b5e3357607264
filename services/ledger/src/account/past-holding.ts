import type { AccountEvent } from '@kgpu/contracts';
import type { Charge } from './account.ts';
import type { Holding } from './deadlines.ts';
import type { RunningRental } from './out-of-credits.ts';

/** Facts of one account: of its stream, and of rentals that are not in the stream yet. */
export interface AccountFacts {
  events: AsyncIterable<AccountEvent>;
  due: readonly Charge[];
  running: readonly RunningRental[];
}

/** What the account held at the business time `at`; null when it had not been opened. A rental that ended later still ran then. */
export async function pastHolding({ events, due, running }: AccountFacts, at: Date): Promise<Holding | null> {
  let opened = false;
  let units = 0;
  const charges = [...due];
  for await (const { type, data } of events) {
    if (type === 'RentalCharged') {
      charges.push({
        gpuId: data.gpu_id, minutes: data.minutes, pricePerHourCredits: data.price_per_hour_credits,
        startedAt: data.started_at, endedAt: data.ended_at, causedBy: data.caused_by,
      });
    } else if (new Date(data.at) <= at) {
      opened = true;
      units += data.units;
    }
  }
  if (!opened) return null;
  const ended = charges.filter(({ endedAt }) => new Date(endedAt) <= at);
  const ranThen = charges.filter(({ endedAt }) => new Date(endedAt) > at).map(asRunning);
  return {
    units: ended.reduce((left, { minutes, pricePerHourCredits }) => left - minutes * pricePerHourCredits, units),
    running: [...ranThen, ...running].filter(({ startedAt }) => startedAt <= at),
  };
}

function asRunning({ gpuId, startedAt, endedAt, pricePerHourCredits }: Charge): RunningRental {
  return { gpuId, startedAt: new Date(startedAt), expiresAt: new Date(endedAt), pricePerHourCredits };
}
