/**
 * The money of one user. It exists so that grants, take-backs and charges of a user are decided one after the other: no two
 * of them can spend the same credits.
 */
import { creditsRoundedDown, Problem, unitsOfCredits, type AccountEvent } from '@kgpu/contracts';
import type { Decider } from '@kgpu/event-store';

export type AccountState =
  | { status: 'none' }
  /** `units`: what is recorded, in 1/60 credit; rentals that still run are not in it. */
  | { status: 'open'; userId: number; units: number; openedAt: string };

export type OpenAccountState = Extract<AccountState, { status: 'open' }>;

/** What one rental costs. Instants as RFC 3339. */
export interface Charge {
  gpuId: string;
  minutes: number;
  pricePerHourCredits: number;
  startedAt: string;
  /** Where charging stops: the end of the rental, or the deadline that it outlived while kgpu was down. */
  endedAt: string;
  /** Ids of the events that it is derived from. */
  causedBy: string[];
}

export type AccountCommand =
  | { type: 'Open'; userId: number; credits: number }
  /** `runningUnits`: what rentals without a recorded charge cost so far; a take-back leaves that much. */
  | { type: 'Grant'; credits: number; note: string | null; grantedBy: string; runningUnits: number }
  | { type: 'Charge'; charge: Charge };

function evolve(state: AccountState, event: AccountEvent): AccountState {
  const { user_id: userId, at } = event.data;
  switch (event.type) {
    case 'AccountOpened':
      return { status: 'open', userId, units: event.data.units, openedAt: at };
    case 'CreditsGranted': {
      const account = opened(state);
      return { ...account, units: account.units + event.data.units };
    }
    case 'RentalCharged': {
      const account = opened(state);
      return { ...account, units: account.units - event.data.units };
    }
  }
}

function decide(command: AccountCommand, state: AccountState, now: Date): AccountEvent[] {
  switch (command.type) {
    case 'Open':
      return open(command, state, now);
    case 'Grant':
      return grant(command, opened(state), now);
    case 'Charge':
      return chargeRental(command, opened(state), now);
  }
}

export const accountDecider: Decider<AccountState, AccountCommand, AccountEvent> = { initial: { status: 'none' }, evolve, decide };

function open({ userId, credits }: Extract<AccountCommand, { type: 'Open' }>, state: AccountState, now: Date): AccountEvent[] {
  if (state.status === 'open') return [];
  return [{ type: 'AccountOpened', data: { user_id: userId, units: unitsOfCredits(credits), at: now.toISOString() } }];
}

/** A take-back leaves what running rentals have cost so far: their renters must not end below zero. */
function grant({ credits, note, grantedBy, runningUnits }: Extract<AccountCommand, { type: 'Grant' }>, account: OpenAccountState, now: Date): AccountEvent[] {
  if (!Number.isSafeInteger(credits) || credits === 0) throw notCredits('must be a whole number of credits, not zero');
  const units = unitsOfCredits(credits);
  if (!Number.isSafeInteger(account.units + units)) throw notCredits('the account cannot hold that many credits');
  const free = account.units - runningUnits;
  if (credits < 0 && free + units < 0) {
    const balance = creditsRoundedDown(free);
    throw new Problem('balance_too_low', `The balance is ${balance} credits; ${-credits} cannot be taken back.`, { balance });
  }
  return [{ type: 'CreditsGranted', data: { user_id: account.userId, units, note, granted_by: grantedBy, at: now.toISOString() } }];
}

/** Never refused: what was used is owed. That each rental is charged once is the commit id's business. */
function chargeRental({ charge }: Extract<AccountCommand, { type: 'Charge' }>, account: OpenAccountState, now: Date): AccountEvent[] {
  const { gpuId, minutes, pricePerHourCredits, startedAt, endedAt, causedBy } = charge;
  return [{
    type: 'RentalCharged',
    data: {
      user_id: account.userId, gpu_id: gpuId, minutes, price_per_hour_credits: pricePerHourCredits, units: minutes * pricePerHourCredits,
      caused_by: causedBy, started_at: startedAt, ended_at: endedAt, at: now.toISOString(),
    },
  }];
}

function opened(state: AccountState): OpenAccountState {
  if (state.status === 'none') throw new Problem('account_not_found');
  return state;
}

function notCredits(message: string): Problem {
  return new Problem('invalid_request', undefined, { errors: [{ pointer: '/body/credits', message }] });
}
