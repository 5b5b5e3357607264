/**
 * The life of one rental. It exists so that a renter pays exactly for the time in which the container took commands, and so
 * that hardware counts as free only when the container is gone.
 */
import { Problem, type EndReason, type EventData, type RentalEvent } from '@kgpu/contracts';
import type { Decider } from '@kgpu/event-store';

/** What was agreed when it was rented; never changes. */
export type Terms = EventData<'RentalRequested'>;

interface End {
  endedAt: string;
  reason: EndReason;
  message: string | null;
}

export type RentalState =
  | { status: 'none' }
  | { status: 'pending'; terms: Terms }
  | { status: 'ready'; terms: Terms; startedAt: string; expiresAt: string; warning: string | null }
  | ({ status: 'ending' | 'ended'; terms: Terms; startedAt: string | null; expiresAt: string | null } & End);

/** A rental that was requested at least. */
export type KnownRental = Exclude<RentalState, { status: 'none' }>;

export type RentalCommand =
  | { type: 'Request'; terms: Omit<Terms, 'at'> }
  | { type: 'Start'; warning: string | null }
  /** `at`: when charging stops; null for now. */
  | { type: 'End'; reason: EndReason; at: Date | null; message: string | null }
  | { type: 'FreeHardware' };

function evolve(state: RentalState, event: RentalEvent): RentalState {
  switch (event.type) {
    case 'RentalRequested':
      return { status: 'pending', terms: event.data };
    case 'RentalStarted':
      return { status: 'ready', terms: termsOf(state), startedAt: event.data.at, expiresAt: event.data.expires_at, warning: event.data.warning };
    case 'RentalEnded': {
      const started = state.status === 'ready' ? state : { startedAt: null, expiresAt: null };
      const { reason, message, at } = event.data;
      return { status: 'ending', terms: termsOf(state), startedAt: started.startedAt, expiresAt: started.expiresAt, endedAt: at, reason, message };
    }
    case 'RentalHardwareFreed':
      return state.status === 'ending' ? { ...state, status: 'ended' } : state;
  }
}

function decide(command: RentalCommand, state: RentalState, now: Date): RentalEvent[] {
  switch (command.type) {
    case 'Request':
      return request(command, state, now);
    case 'Start':
      return start(command, known(state), now);
    case 'End':
      return end(command, known(state), now);
    case 'FreeHardware':
      return freeHardware(known(state), now);
  }
}

export const rentalDecider: Decider<RentalState, RentalCommand, RentalEvent> = { initial: { status: 'none' }, evolve, decide };

function request({ terms }: Extract<RentalCommand, { type: 'Request' }>, state: RentalState, now: Date): RentalEvent[] {
  if (state.status !== 'none') return [];
  return [{ type: 'RentalRequested', data: { ...terms, at: now.toISOString() } }];
}

/** Only a pending rental starts: one that was returned meanwhile must not begin to cost. */
function start({ warning }: Extract<RentalCommand, { type: 'Start' }>, state: KnownRental, now: Date): RentalEvent[] {
  if (state.status !== 'pending') return [];
  const { gpu_id, user_id, price_per_hour_credits, duration_seconds } = state.terms;
  const expires_at = new Date(now.getTime() + duration_seconds * 1000).toISOString();
  return [{ type: 'RentalStarted', data: { gpu_id, user_id, price_per_hour_credits, expires_at, warning, at: now.toISOString() } }];
}

/** The first end wins; `at` is held between the start and now, so that nobody is charged for the future or paid for the past. */
function end({ reason, at, message }: Extract<RentalCommand, { type: 'End' }>, state: KnownRental, now: Date): RentalEvent[] {
  if (state.status === 'ending' || state.status === 'ended') return [];
  const { gpu_id, user_id } = state.terms;
  const earliest = Date.parse(state.status === 'ready' ? state.startedAt : state.terms.at);
  const instant = new Date(Math.max(earliest, Math.min((at ?? now).getTime(), now.getTime())));
  return [{ type: 'RentalEnded', data: { gpu_id, user_id, reason, message, at: instant.toISOString() } }];
}

function freeHardware(state: KnownRental, now: Date): RentalEvent[] {
  if (state.status !== 'ending') return [];
  return [{ type: 'RentalHardwareFreed', data: { gpu_id: state.terms.gpu_id, at: now.toISOString() } }];
}

function known(state: RentalState): KnownRental {
  if (state.status === 'none') throw new Problem('gpu_not_found');
  return state;
}

function termsOf(state: RentalState): Terms {
  if (state.status === 'none') throw new Error('a rental stream must begin with RentalRequested');
  return state.terms;
}
