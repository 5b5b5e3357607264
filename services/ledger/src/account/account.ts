/**
 * The money of one user. The account's stream is where grants, exhaustion and charges meet: whoever appends first decides,
 * and the others see it.
 */
import { chained, creditsRoundedDown, Problem, UNITS_PER_CREDIT, unitsOfCredits, type AccountEvent, type AutoReturnReason, type EventData } from '@kgpu/contracts';
import type { Decider } from '@kgpu/event-store';

export interface OpenAccountState {
  status: 'open';
  userId: number;
  /** Granted minus charged; what running rentals have cost so far is not taken off. */
  units: number;
  grantedUnits: number;
  /** How many facts there are, and the hash of the last one. */
  facts: number;
  hash: string;
  /** Business time of the last fact. */
  lastAt: string;
}

export type AccountState = { status: 'none' } | OpenAccountState;

/** A charge as it follows from the facts of a rental. Times are RFC 3339. */
export interface Charge {
  gpuId: string;
  gpuModel: string;
  minutes: number;
  pricePerHourCredits: number;
  startedAt: string;
  endedAt: string;
  chargedUntil: string;
  causedBy: string[];
}

export interface ReturnDue {
  gpuId: string;
  reason: AutoReturnReason;
  dueAt: string;
  why: string;
  causedBy: string[];
}

export type AccountCommand =
  | { type: 'Open'; userId: number; credits: number; at: Date | null }
  /**
   * `owedUnits`: what rentals have cost that are not charged yet. `afterFacts`: how many facts there were when that was worked
   * out and every deadline up to now was on record.
   */
  | { type: 'Grant'; credits: number; note: string | null; grantedBy: string; owedUnits: number; afterFacts: number }
  /** `grantedUnits`: what the deadline was worked out from; a grant since then moves it. */
  | { type: 'ReturnRental'; due: ReturnDue; grantedUnits: number }
  | { type: 'Charge'; charge: Charge };

function evolve(state: AccountState, { type, data }: AccountEvent): AccountState {
  const { user_id: userId, hash, at: lastAt } = data;
  const before = state.status === 'open' ? state : { units: 0, grantedUnits: 0, facts: 0 };
  const { units, grantedUnits } = before;
  const common = { status: 'open', userId, facts: before.facts + 1, hash, lastAt } as const;
  switch (type) {
    case 'AccountOpened':
    case 'CreditsGranted':
      return { ...common, units: units + data.units, grantedUnits: grantedUnits + data.units };
    case 'RentalReturnDue':
      return { ...common, units, grantedUnits };
    case 'RentalCharged':
      return { ...common, units: units - data.units, grantedUnits };
  }
}

function decide(command: AccountCommand, state: AccountState, now: Date): AccountEvent[] {
  switch (command.type) {
    case 'Open':
      return open(command, state, now);
    case 'Grant':
      return grant(command, opened(state), now);
    case 'ReturnRental':
      return returnRental(command, opened(state), now);
    case 'Charge':
      return charge(command, opened(state), now);
  }
}

export const accountDecider: Decider<AccountState, AccountCommand, AccountEvent> = { initial: { status: 'none' }, evolve, decide };

function open({ userId, credits, at }: Extract<AccountCommand, { type: 'Open' }>, state: AccountState, now: Date): AccountEvent[] {
  if (state.status === 'open') return [];
  return [{ type: 'AccountOpened', data: chained('', 'AccountOpened', { user_id: userId, units: unitsOfCredits(credits), at: (at ?? now).toISOString() }) }];
}

/** A take-back leaves what rentals have cost so far: their renters must not end below zero. */
function grant({ credits, note, grantedBy, owedUnits, afterFacts }: Extract<AccountCommand, { type: 'Grant' }>, account: OpenAccountState, now: Date): AccountEvent[] {
  if (!Number.isSafeInteger(credits) || credits === 0) throw notCredits('must be a whole number of credits, not zero');
  const units = unitsOfCredits(credits);
  if (!Number.isSafeInteger(account.grantedUnits + units)) throw notCredits('the account cannot hold that many credits');
  if (afterFacts !== account.facts) throw new Problem('conflict', 'The account has changed meanwhile.', { retry_after_seconds: 1 });
  checkBalance(account.units - owedUnits, units);
  const data = { user_id: account.userId, units, note, granted_by: grantedBy, at: timeOf(account, now) };
  return [{ type: 'CreditsGranted', data: chained(account.hash, 'CreditsGranted', data) }];
}

function checkBalance(free: number, units: number): void {
  if (units > 0 || free + units >= 0) return;
  const balance = creditsRoundedDown(free);
  throw new Problem('balance_too_low', `The balance is ${balance} credits; ${-units / UNITS_PER_CREDIT} cannot be taken back.`, { balance });
}

/** Once for each rental (the commit id's business); an exhaustion that a grant has moved is no longer due. */
function returnRental({ due, grantedUnits }: Extract<AccountCommand, { type: 'ReturnRental' }>, account: OpenAccountState, now: Date): AccountEvent[] {
  if (due.reason === 'out_of_credits' && grantedUnits !== account.grantedUnits) return [];
  const { gpuId, reason, dueAt, why, causedBy } = due;
  const data = { user_id: account.userId, gpu_id: gpuId, reason, due_at: dueAt, why, caused_by: causedBy, at: timeOf(account, now) };
  return [{ type: 'RentalReturnDue', data: chained(account.hash, 'RentalReturnDue', data) }];
}

/** Once for each rental (the commit id's business), and never more than the account holds. */
function charge({ charge: owed }: Extract<AccountCommand, { type: 'Charge' }>, account: OpenAccountState, now: Date): AccountEvent[] {
  const { gpuId, gpuModel, pricePerHourCredits, startedAt, endedAt, chargedUntil, causedBy } = owed;
  const minutes = Math.min(owed.minutes, Math.floor(account.units / Math.max(1, pricePerHourCredits)));
  const data: Omit<EventData<'RentalCharged'>, 'hash' | 'prev_hash'> = {
    user_id: account.userId, gpu_id: gpuId, gpu_model: gpuModel, minutes, waived_minutes: owed.minutes - minutes,
    price_per_hour_credits: pricePerHourCredits, units: minutes * pricePerHourCredits,
    started_at: startedAt, ended_at: endedAt, charged_until: chargedUntil, caused_by: causedBy, at: timeOf(account, now),
  };
  return [{ type: 'RentalCharged', data: chained(account.hash, 'RentalCharged', data) }];
}

/** Business time never goes back within an account, whatever a clock does. */
function timeOf({ lastAt }: OpenAccountState, now: Date): string {
  const at = now.toISOString();
  return at > lastAt ? at : lastAt;
}

function opened(state: AccountState): OpenAccountState {
  if (state.status === 'none') throw new Problem('account_not_found');
  return state;
}

function notCredits(message: string): Problem {
  return new Problem('invalid_request', undefined, { errors: [{ pointer: '/body/credits', message }] });
}
