import { expect } from '@jest/globals';
import { Problem } from '@kgpu/contracts';
import type { ProblemCode } from '@kgpu/contracts';
import type { Decider, DomainEvent } from './handle-command.ts';

export interface When<Command, Event> {
  when(command: Command, now?: Date): Then<Event>;
}

/** Not a promise, though it has a `then`: don't await it. */
export interface Then<Event> {
  /** The command makes these events, and `evolve` takes them. */
  then(events: readonly Event[]): void;
  /** The command is refused with this code (and these fields, when given). */
  thenProblem(code: ProblemCode, fields?: Record<string, unknown>): void;
}

/** Reads as a rule: `given(rental, [requested]).when(end, now).then([ended])`. */
export function given<State, Command, Event extends DomainEvent>(
  decider: Decider<State, Command, Event>,
  events: readonly Event[],
): When<Command, Event> {
  const evolve = (state: State, event: Event): State => freeze(decider.evolve(state, event));
  const state = events.reduce(evolve, freeze(decider.initial));
  return {
    when: (command, now = new Date('2026-01-01T00:00:00Z')) => ({
      // oxlint-disable-next-line no-thenable -- a rule reads better so, and nobody awaits one
      then(expected) {
        const decided = decider.decide(command, state, now);
        expect(decided).toEqual(expected);
        decided.reduce(evolve, state);
      },
      thenProblem(code, fields = {}) {
        const problem = problemOf(() => decider.decide(command, state, now));
        expect(problem.code).toBe(code);
        expect(problem.fields).toMatchObject(fields);
      },
    }),
  };
}

function problemOf(decide: () => unknown): Problem {
  try {
    const decided = decide();
    throw new Error(`expected a problem, but it was decided: ${JSON.stringify(decided)}`);
  } catch (error) {
    if (error instanceof Problem) return error;
    throw error;
  }
}

/** A rule that changes a state in place fails here instead of in a cache. */
function freeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value) || ArrayBuffer.isView(value)) return value;
  Object.freeze(value);
  Object.values(value).forEach(freeze);
  return value;
}
