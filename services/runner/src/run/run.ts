/** The life of one run. It exists so that a command has exactly one end on record, however often its watchers die. */
import { Problem, type EventData, type RunEvent, type RunReason } from '@kgpu/contracts';
import type { Decider } from '@kgpu/event-store';

/** What was ordered; never changes. */
export type Order = EventData<'RunRequested'>;
export type End = Omit<EventData<'RunEnded'>, 'run_id' | 'gpu_id' | 'user_id'>;

/** Somebody or something wants it to end; a reason of null is the user. */
export interface Stop {
  reason: RunReason | null;
  at: string;
}

export type RunState =
  | { status: 'none' }
  | { status: 'requested'; order: Order; stop: Stop | null }
  | { status: 'running'; order: Order; stop: Stop | null; pid: number; startedAt: string }
  | { status: 'ended'; order: Order; pid: number | null; startedAt: string | null; end: End };

/** A run that was requested at least. */
export type KnownRun = Exclude<RunState, { status: 'none' }>;
export type ActiveRun = Exclude<KnownRun, { status: 'ended' }>;

export type RunCommand =
  | { type: 'Request'; order: Omit<Order, 'at'> }
  | { type: 'Start'; pid: number; at: Date }
  | { type: 'Stop'; reason: RunReason | null }
  | { type: 'End'; end: Omit<End, 'at'>; at: Date };

function evolve(state: RunState, event: RunEvent): RunState {
  switch (event.type) {
    case 'RunRequested':
      return { status: 'requested', order: event.data, stop: null };
    case 'RunStarted':
      return { ...active(state), status: 'running', pid: event.data.pid, startedAt: event.data.at };
    case 'RunStopRequested':
      return { ...active(state), stop: { reason: event.data.reason, at: event.data.at } };
    case 'RunEnded': {
      const before = active(state);
      const started = before.status === 'running' ? before : { pid: null, startedAt: null };
      return { status: 'ended', order: before.order, pid: started.pid, startedAt: started.startedAt, end: event.data };
    }
  }
}

function decide(command: RunCommand, state: RunState, now: Date): RunEvent[] {
  switch (command.type) {
    case 'Request':
      return state.status === 'none' ? [{ type: 'RunRequested', data: { ...command.order, at: now.toISOString() } }] : [];
    case 'Start':
      return start(command, known(state), now);
    case 'Stop':
      return stop(command, known(state), now);
    case 'End':
      return end(command, known(state), now);
  }
}

export const runDecider: Decider<RunState, RunCommand, RunEvent> = { initial: { status: 'none' }, evolve, decide };

function start({ pid, at }: Extract<RunCommand, { type: 'Start' }>, state: KnownRun, now: Date): RunEvent[] {
  if (state.status !== 'requested') return [];
  return [{ type: 'RunStarted', data: { ...idsOf(state), pid, at: between(state.order.at, at, now) } }];
}

/** The first wish counts: it says why the run ends. */
function stop({ reason }: Extract<RunCommand, { type: 'Stop' }>, state: KnownRun, now: Date): RunEvent[] {
  if (state.status === 'ended' || state.stop !== null) return [];
  return [{ type: 'RunStopRequested', data: { ...idsOf(state), reason, at: now.toISOString() } }];
}

function end({ end: how, at }: Extract<RunCommand, { type: 'End' }>, state: KnownRun, now: Date): RunEvent[] {
  if (state.status === 'ended') return [];
  const earliest = state.status === 'running' ? state.startedAt : state.order.at;
  return [{ type: 'RunEnded', data: { ...idsOf(state), ...how, at: between(earliest, at, now) } }];
}

/** A container's clock may be off: nothing begins before it was asked for or ends in the future. */
function between(earliest: string, at: Date, now: Date): string {
  return new Date(Math.max(Date.parse(earliest), Math.min(at.getTime(), now.getTime()))).toISOString();
}

function idsOf({ order: { run_id, gpu_id, user_id } }: KnownRun) {
  return { run_id, gpu_id, user_id };
}

function known(state: RunState): KnownRun {
  if (state.status === 'none') throw new Problem('run_not_found');
  return state;
}

function active(state: RunState): ActiveRun {
  if (state.status === 'none' || state.status === 'ended') throw new Error('a run has one beginning and one end');
  return state;
}
