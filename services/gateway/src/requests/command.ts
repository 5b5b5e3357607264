import { randomUUID } from 'node:crypto';

/** What makes an order repeatable: ids of all that it makes are derived from these two. */
export interface Command {
  /** 32 hex digits that nobody can guess. */
  id: string;
  /** Business time at which it was accepted first. */
  at: Date;
}

export function newCommand(at: Date): Command {
  // Node keeps random bytes for these ready; others would be a call of the system each.
  return { id: randomUUID().replaceAll('-', ''), at };
}
