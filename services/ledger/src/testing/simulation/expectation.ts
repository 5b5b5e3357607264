/** From what people did to what the oracle is told: when each rental stops at the latest, and in which order money moved. */
import type { RecordedEvent } from '@kgpu/event-store';
import { OracleAccount, type OracleRental } from './oracle.ts';
import type { Play } from './play.ts';
import { BEGINNING } from './play.ts';
import type { WorldRental } from './world.ts';

const MINUTE_MS = 60_000;

/** The oracle's account of a user at the end, and which of the user's orders it expects to be accepted. */
export function expectedAccount(play: Play, facts: readonly RecordedEvent[], userId: number): { account: OracleAccount; accepted: boolean[] } {
  const rentals = play.world.rentals.filter((rental) => rental.userId === userId).map((rental) => oracleRental(play, facts, rental));
  const account = new OracleAccount(rentals);
  account.grant(BEGINNING, play.scenario.startingCredits * 60);
  const accepted = play.orders.filter((order) => order.userId === userId).map(({ at, credits }) => account.grant(at, credits * 60));
  account.reach(play.world.clock.ms + 1);
  return { account, accepted };
}

function oracleRental(play: Play, facts: readonly RecordedEvent[], rental: WorldRental): OracleRental {
  const { gpuId, startedAt, price, expiresAt, returnedAt } = rental;
  const idleAt = idleReturnOf(play, facts, rental) ?? Infinity;
  const ends = [
    { at: returnedAt ?? Infinity, why: null },
    { at: expiresAt, why: 'duration_expired' },
    { at: idleAt, why: 'auto_idle' },
  ];
  return { gpuId, startedAt, price, stop: ends.reduce((first, end) => (end.at < first.at ? end : first)) };
}

/** When the rental had been idle for too long, and a ledger was there to see it before somebody used it again; null: never. */
function idleReturnOf(play: Play, facts: readonly RecordedEvent[], { gpuId, startedAt, returnedAt, runs }: WorldRental): number | null {
  const idleMs = play.scenario.idleReturnMinutes * MINUTE_MS;
  const changes = runs.flatMap(({ from, to }) => [{ at: from, by: 1 }, ...(to === null ? [] : [{ at: to, by: -1 }])]).sort((a, b) => a.at - b.at || a.by - b.by);
  let [idleSince, active] = [startedAt, 0];
  for (const { at, by } of changes) {
    const idleAt = idleSince + idleMs;
    if (active === 0 && idleAt <= at && wasSeen(play, facts, gpuId, idleAt, at)) return idleAt;
    active += by;
    idleSince = at;
  }
  const idleAt = idleSince + idleMs;
  return active === 0 && idleAt < (returnedAt ?? Infinity) && idleAt <= play.world.clock.ms ? idleAt : null;
}

/** A deadline that comes while nobody is there is seen at the next start, unless it has moved until then. */
function wasSeen({ downtimes }: Play, facts: readonly RecordedEvent[], gpuId: string, idleAt: number, movedAt: number): boolean {
  const down = downtimes.find(({ from, to }) => from <= idleAt && movedAt < to);
  if (down === undefined) return true;
  // Death and deadline at one instant: the log tells which came first.
  const recorded = (data: object) => (data as { gpu_id: string }).gpu_id === gpuId && (data as { reason: string }).reason === 'auto_idle';
  return down.from === idleAt && facts.some(({ type, data }) => type === 'RentalReturnDue' && recorded(data));
}
