/** History read otherwise: which facts a replay takes in, how it changes them, and what it says it leaves out. */
import type { KgpuEvent, ReplayBody, ReplayMode } from '@kgpu/contracts';
import { liveRules, type BookRules } from '../book/book.ts';

export interface WhatIf {
  mode: ReplayMode;
  rules: BookRules;
  /** Runs matter only where idleness is worked out anew. */
  categories: string[];
  notModelled: string[];
  /** The fact as the replay sees it; null: it does not. */
  read(event: KgpuEvent): KgpuEvent | null;
}

const AUTOMATIC = new Set(['auto_idle', 'duration_expired', 'out_of_credits']);

export function whatIf({ price_per_hour_credits: price, idle_return_minutes: idle, ends }: ReplayBody, idleReturnMs: number): WhatIf {
  const money = ['directory', 'account', 'rental'];
  const replaced = price !== undefined || idle !== undefined;
  if (ends === 'recomputed' || (ends === undefined && idle !== undefined)) {
    return {
      mode: 'ends_recomputed', categories: [...money, 'run'], read: (event) => withoutAutomaticEnds(priced(event, price)), notModelled: behaviour,
      rules: { charges: 'at_deadline', exhaustion: true, idleReturnMs: idle === undefined ? idleReturnMs : idle * 60_000 },
    };
  }
  if (replaced) {
    return {
      mode: 'same_ends', categories: money, read: (event) => priced(event, price), notModelled: ['returns at the end of the credits', ...behaviour],
      rules: { ...liveRules, exhaustion: false },
    };
  }
  return {
    mode: 'as_it_was', categories: money, read: (event) => event, notModelled: [],
    rules: { ...liveRules, charges: 'recomputed' },
  };
}

const behaviour = ['people: they rent, run and return as they did', 'refused rents, and who would have got the GPUs that become free'];

function priced(event: KgpuEvent, price: number | undefined): KgpuEvent {
  if (price === undefined) return event;
  if (event.type === 'RentalStarted') return { type: event.type, data: { ...event.data, price_per_hour_credits: price } };
  if (event.type !== 'RentalCharged') return event;
  const minutes = event.data.minutes + event.data.waived_minutes;
  return { type: event.type, data: { ...event.data, price_per_hour_credits: price, minutes, waived_minutes: 0, units: minutes * price } };
}

function withoutAutomaticEnds(event: KgpuEvent): KgpuEvent | null {
  if (event.type === 'RentalCharged' || event.type === 'RentalReturnDue') return null;
  return event.type === 'RentalEnded' && AUTOMATIC.has(event.data.reason) ? null : event;
}
