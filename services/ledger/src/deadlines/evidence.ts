/** Why a rental will end and when, with the ids of the events that say so. Credits are told rounded down, times in UTC. */
import { creditsRoundedDown, type AutoReturnReason, type DeadlineEvidence } from '@kgpu/contracts';
import { burningRentals, payableUnits, type Account } from '../book/account.ts';
import type { Rental } from '../book/rental.ts';

type Evidence = Pick<DeadlineEvidence, 'why' | 'caused_by'>;

/** Of a return at the instant `at`. */
export function evidenceOf(reason: AutoReturnReason, account: Account, rental: Rental, at: number): Evidence {
  switch (reason) {
    case 'duration_expired':
      return durationEvidence(rental);
    case 'auto_idle':
      return idleEvidence(rental, `returned at ${time(at)}`);
    case 'out_of_credits':
      return creditsEvidence(account, rental, at);
  }
}

export function durationEvidence({ startedAt, expiresAt, startedId }: Rental): Evidence {
  const hours = Math.round(((expiresAt - startedAt) / 3_600_000) * 100) / 100;
  return { why: `ready since ${time(startedAt)}, rented for ${hours} h: ends at ${time(expiresAt)}`, caused_by: [startedId] };
}

/** `outcome`: what follows, such as `returned at …`. */
export function idleEvidence({ activeRuns, idleSince, idleId, idleRun, startedId }: Rental, outcome: string): Evidence {
  if (activeRuns > 0) return { why: `${activeRuns === 1 ? 'a run is' : `${activeRuns} runs are`} active: not idle`, caused_by: [idleId] };
  const what = idleRun === null ? (idleId === startedId ? 'when it became ready' : 'its last activity') : `end of ${idleRun}`;
  return { why: `idle since ${time(idleSince)}, ${what}; ${outcome}`, caused_by: [idleId] };
}

/** `at` null: the credits last longer than the rental. */
export function creditsEvidence(account: Account, rental: Rental, at: number | null): Evidence {
  const burning = burningRentals(account).includes(rental) ? burningRentals(account) : [...burningRentals(account), rental];
  const burn = burning.reduce((sum, { pricePerHourCredits }) => sum + pricePerHourCredits, 0);
  const gpus = burning.length === 1 ? 'one running GPU' : `${burning.length} running GPUs`;
  const held = `${creditsRoundedDown(payableUnits(account))} credits for ${gpus} at ${burn} credits/hour since ${time(Math.min(rental.startedAt, ...burning.map((each) => each.startedAt)))}`;
  const outcome = at === null ? 'they last longer than the rental' : `the minute from ${time(at)} on can't be paid`;
  return { why: `${held}: ${outcome}`, caused_by: [account.grantId, ...burning.map(({ startedId }) => startedId)].filter((id) => id !== '') };
}

/** `2026-05-17T14:02:11Z`, with milliseconds only where there are any. */
export function time(at: number): string {
  return new Date(at).toISOString().replace('.000Z', 'Z');
}
