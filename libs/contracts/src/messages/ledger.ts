import { z } from 'zod';
import {
  auditReport, balance, balanceSeries, entryPage, ledgerAccount, ledgerAccountPage, ledgerFact, rentalDeadlines, replayBody, replayLine, usageGroup, usageReport,
} from '../ledger.ts';
import { credits, gpuId, instant, userId } from '../shapes.ts';
import { define } from './message.ts';

export { balance } from '../ledger.ts';

const position = z.int();
const commandId = z.string().max(100);
const page = { limit: z.int().min(1).max(500).default(50), cursor: z.string().max(200).nullable().default(null) };

/**
 * Two axes of time: `at` is business time (null: now), `as_of_position` is what had been recorded by then (null: everything).
 * What was recorded later about earlier times is left out with the second axis.
 */
const timeTravel = { at: instant.nullable().default(null), as_of_position: z.int().min(0).nullable().default(null) };

/** Opens a user's account with the starting credits; a repeat does nothing. */
export const OpenAccount = define('ledger', 'command', 'OpenAccount', z.object({ user_id: userId }), z.object({ position }));

/** The balance at a business time (null: now). */
export const GetBalance = define('ledger', 'query', 'GetBalance',
  z.object({ user_id: userId, at: instant.nullable().default(null) }), balance);

/** Points from `from` to `to` (default: the account's opening, now), one each `step_seconds` (default: about 100 points). At most 1,000. */
export const GetBalanceSeries = define('ledger', 'query', 'GetBalanceSeries',
  z.object({ user_id: userId, from: instant.nullable().default(null), to: instant.nullable().default(null), step_seconds: z.number().positive().nullable().default(null) }),
  balanceSeries);

/** The account's statement, newest first; what runs comes before everything. */
export const ListEntries = define('ledger', 'query', 'ListEntries', z.object({ user_id: userId, ...page }), entryPage);

/** Grants credits (> 0) or takes them back (< 0, never below zero). */
export const GrantCredits = define('ledger', 'command', 'GrantCredits',
  z.object({ command_id: commandId, user_id: userId, credits, note: z.string().nullable(), granted_by: z.string() }),
  z.object({ balance, position }));

/** Why and when a rental will end, or why it did. `user_id`: whose it must be (null: anybody's). */
export const GetDeadlines = define('ledger', 'query', 'GetDeadlines', z.object({ gpu_id: gpuId, user_id: userId.nullable() }), rentalDeadlines);

/** What these rentals have cost by now, running or over, and whether they carry an idle warning; in the same order. */
export const GetRentalStandings = define('ledger', 'query', 'GetRentalStandings',
  z.object({ gpu_ids: z.array(gpuId).max(1_000) }),
  z.object({ standings: z.array(z.object({ gpu_id: gpuId, credits_charged: z.int(), idle_warning: z.boolean() })) }));

/** Accounts in order of user id. */
export const ListAccounts = define('ledger', 'query', 'ListAccounts', z.object({ ...timeTravel, ...page }), ledgerAccountPage);
export const GetAccount = define('ledger', 'query', 'GetAccount', z.object({ user_id: userId, ...timeTravel }), ledgerAccount);

/** Recorded facts after a position, in order; `next_after` is where to go on, `end` that there is nothing more for now. */
export const ListLedgerEvents = define('ledger', 'query', 'ListLedgerEvents',
  z.object({ after: z.int().min(0).default(0), user_id: userId.nullable().default(null), type: z.string().max(100).nullable().default(null), limit: z.int().min(1).max(1_000).default(500) }),
  z.object({ events: z.array(ledgerFact), next_after: z.int(), end: z.boolean() }));

/**
 * A replay takes as long as the log is, so it is started, then read: `ReadReplay` waits for the next lines (at most a second)
 * and says when it is `done`. One that nobody has read for ten seconds is cancelled.
 */
export const StartReplay = define('ledger', 'query', 'StartReplay', replayBody, z.object({ replay_id: z.string() }));
export const ReadReplay = define('ledger', 'query', 'ReadReplay',
  z.object({ replay_id: z.string().max(100) }), z.object({ lines: z.array(replayLine), done: z.boolean() }));
/** Stops the work; one that is over or unknown is answered `false`. */
export const CancelReplay = define('ledger', 'query', 'CancelReplay', z.object({ replay_id: z.string().max(100) }), z.object({ cancelled: z.boolean() }));

/** Recomputes everything from the facts and compares it with what was recorded. Ask with a deadline of a minute: it reads the whole log. */
export const AuditLedger = define('ledger', 'query', 'AuditLedger', z.object({}), auditReport);

/** Hours and credits in [`from`, `to`). */
export const GetUsage = define('ledger', 'query', 'GetUsage', z.object({ from: instant, to: instant, group_by: usageGroup }), usageReport);
