import { z } from 'zod';
import { credits, instant, userId } from '../shapes.ts';
import { define } from './message.ts';

const position = z.int();
const commandId = z.string().max(100);

export const balance = z.object({
  balance: z.int().meta({ description: 'Whole credits, rounded down' }),
  price_per_hour_credits: z.int(),
  starting_credits: z.int(),
  burn_per_hour_credits: z.int(),
  runs_out_at: instant.nullable(),
}).meta({ id: 'Balance' });

/** Opens a user's account with the starting credits; a repeat does nothing. */
export const OpenAccount = define('ledger', 'command', 'OpenAccount', z.object({ user_id: userId }), z.object({ position }));

/** The balance at a business time (null: now). */
export const GetBalance = define('ledger', 'query', 'GetBalance',
  z.object({ user_id: userId, at: instant.nullable().default(null) }), balance);

/** Grants credits (> 0) or takes them back (< 0, never below zero). */
export const GrantCredits = define('ledger', 'command', 'GrantCredits',
  z.object({ command_id: commandId, user_id: userId, credits, note: z.string().nullable(), granted_by: z.string() }),
  z.object({ balance, position }));
