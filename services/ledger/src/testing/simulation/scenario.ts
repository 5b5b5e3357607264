/** What can happen to a ledger: users, prices and a sequence of acts, each some time after the one before. */
import * as fc from 'fast-check';

export interface Scenario {
  users: number;
  startingCredits: number;
  idleReturnMinutes: number;
  snapshots: boolean;
  /** Acts come without waiting for what the one before has set off, and alarms ring late: only what holds for any order is checked. */
  racing: boolean;
  acts: Act[];
}

export type Act = { afterMs: number } & (
  | { kind: 'rent'; user: number; price: number; minutes: number }
  | { kind: 'return' | 'run' | 'end_run'; pick: number }
  | { kind: 'grant' | 'take_back'; user: number; credits: number }
  /** The ledger dies after so many more appends and requests, at the end of the wait at the latest. */
  | { kind: 'kill'; deeds: number; afterwards: boolean }
  | { kind: 'start' }
);

const MINUTE_MS = 60_000;
export const PRICES = [50, 333, 500, 777, 3_000];

const wait = fc.oneof(
  fc.integer({ min: 1, max: 5 * MINUTE_MS }),
  fc.integer({ min: 1, max: 20 }).map((minutes) => minutes * MINUTE_MS),
  fc.integer({ min: 1, max: 150 }).map((minutes) => minutes * MINUTE_MS + 1),
  fc.integer({ min: 1, max: 40 }),
);
const user = fc.nat({ max: 2 });
const credits = fc.oneof(fc.integer({ min: 1, max: 100 }), fc.integer({ min: 1, max: 2_000 }));

const deed = fc.oneof(
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('rent' as const), user, price: fc.constantFrom(...PRICES), minutes: fc.oneof(fc.integer({ min: 1, max: 90 }), fc.constant(720)) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('return' as const), pick: fc.nat() }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('run' as const), pick: fc.nat() }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('end_run' as const), pick: fc.nat() }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('grant' as const), user, credits }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('take_back' as const), user, credits }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('kill' as const), deeds: fc.nat({ max: 6 }), afterwards: fc.boolean() }) },
  { weight: 2, arbitrary: fc.constant({ kind: 'start' as const }) },
);
const act: fc.Arbitrary<Act> = fc.tuple(wait, deed).map(([afterMs, what]) => ({ afterMs, ...what }));

/** Without bias: each seed is run once, and the first run of a biased one is a small one. */
export const scenario: fc.Arbitrary<Scenario> = fc.noBias(fc.record({
  users: fc.integer({ min: 1, max: 3 }),
  startingCredits: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 60 }), fc.integer({ min: 100, max: 1_500 }), fc.integer({ min: 2_000, max: 50_000 })),
  idleReturnMinutes: fc.oneof(fc.integer({ min: 1, max: 30 }), fc.constant(120)),
  snapshots: fc.integer({ min: 0, max: 4 }).map((n) => n === 0),
  racing: fc.integer({ min: 0, max: 4 }).map((n) => n === 0),
  acts: fc.array(act, { minLength: 1, maxLength: 40, size: 'max' }),
}));
