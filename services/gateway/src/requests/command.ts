import { randomBytes } from 'node:crypto';

/** What makes an order repeatable: ids of all that it makes are derived from these two. */
export interface Command {
  /** 32 hex digits that nobody can guess. */
  id: string;
  /** Business time at which it was accepted first. */
  at: Date;
}

export function newCommand(at: Date): Command {
  return { id: randomBytes(16).toString('hex'), at };
}
