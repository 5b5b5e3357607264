/** What the ledger tells: shapes of HTTP and the bus. Credits are whole, rounded as API.md says; `units` are exact (1/60 credit). */
import { z } from 'zod';
import { endReason } from './events/rental.ts';
import { gpuId, instant, userId } from './shapes.ts';

export const balance = z.object({
  balance: z.int().meta({ description: 'Whole credits, rounded down' }),
  price_per_hour_credits: z.int(),
  starting_credits: z.int(),
  burn_per_hour_credits: z.int(),
  runs_out_at: instant.nullable(),
}).meta({ id: 'Balance' });
export type Balance = z.infer<typeof balance>;

export const balanceSeries = z.object({
  points: z.array(z.object({ at: instant, balance: z.int(), burn_per_hour_credits: z.int() })),
}).meta({ id: 'BalanceSeries' });
export type BalanceSeries = z.infer<typeof balanceSeries>;
/** Points of a series at most. */
export const MAX_SERIES_POINTS = 1_000;

/** `running` is what a rental that runs has cost so far; it becomes a `charge` when it ends. */
export const entryKind = z.enum(['opening', 'grant', 'take_back', 'charge', 'running']);

export const ledgerEntry = z.object({
  entry_id: z.string(),
  at: instant,
  kind: entryKind,
  credits: z.int().meta({ description: 'What the entry changes of the rounded balance, so that entries always sum up' }),
  units: z.int().meta({ description: 'Exact, in 1/60 credit' }),
  balance_after: z.int(),
  gpu_id: gpuId.optional(),
  minutes: z.int().optional(),
  price_per_hour_credits: z.int().optional(),
  note: z.string().optional(),
  caused_by: z.array(z.string()),
}).meta({ id: 'LedgerEntry' });
export type LedgerEntry = z.infer<typeof ledgerEntry>;
export const entryPage = z.object({ entries: z.array(ledgerEntry), next_cursor: z.string().nullable() }).meta({ id: 'LedgerEntryPage' });
export const entryColumns = [
  'entry_id', 'at', 'kind', 'credits', 'units', 'balance_after', 'gpu_id', 'minutes', 'price_per_hour_credits', 'note', 'caused_by',
] as const satisfies readonly (keyof LedgerEntry)[];

/** `deadline: ended` tells of a rental that is over. */
export const deadlineEvidence = z.object({
  deadline: z.enum(['duration', 'idle_warning', 'idle_return', 'out_of_credits', 'ended']),
  at: instant.nullable(),
  why: z.string(),
  caused_by: z.array(z.string()),
});
export type DeadlineEvidence = z.infer<typeof deadlineEvidence>;
export const rentalDeadlines = z.object({
  gpu_id: gpuId,
  expires_at: instant.nullable(),
  idle_warning_at: instant.nullable().meta({ description: 'Null while a run is active' }),
  idle_return_at: instant.nullable().meta({ description: 'Null while a run is active' }),
  out_of_credits_at: instant.nullable(),
  ended_at: instant.nullable(),
  end_reason: endReason.nullable(),
  evidence: z.array(deadlineEvidence),
}).meta({ id: 'RentalDeadlines' });
export type RentalDeadlines = z.infer<typeof rentalDeadlines>;

export const ledgerAccount = z.object({
  user_id: userId,
  opened_at: instant,
  balance: z.int(),
  balance_units: z.int().meta({ description: '`granted_units` − `charged_units`' }),
  granted_units: z.int(),
  charged_units: z.int().meta({ description: 'Running rentals included' }),
  burn_per_hour_credits: z.int(),
  running_gpus: z.int(),
}).meta({ id: 'LedgerAccount' });
export type LedgerAccount = z.infer<typeof ledgerAccount>;
export const ledgerAccountPage = z.object({ accounts: z.array(ledgerAccount), next_cursor: z.string().nullable() }).meta({ id: 'LedgerAccountPage' });

/** A recorded fact as admins read it; secrets are left out. */
export const ledgerFact = z.object({
  position: z.int(), event_id: z.string(), stream: z.string(), revision: z.int(), type: z.string(), v: z.int(), data: z.record(z.string(), z.unknown()),
  recorded_at: instant, request_id: z.string().optional(), caused_by: z.array(z.string()).optional(),
}).meta({ id: 'LedgerFact' });
export type LedgerFact = z.infer<typeof ledgerFact>;

/**
 * `until`: history up to this business time (default: now). Another price or idle rule is a what-if: with `ends: "same"`
 * rentals end when they ended and only cost something else; with `"recomputed"` the automatic returns are worked out anew
 * (default when the idle rule is replaced). People's behaviour is not modelled: they rent, run and return as they did.
 */
export const replayBody = z.strictObject({
  until: instant.optional(),
  user_id: userId.optional(),
  price_per_hour_credits: z.int().min(1).max(1_000_000_000).optional(),
  idle_return_minutes: z.number().positive().max(100_000).optional(),
  ends: z.enum(['same', 'recomputed']).optional(),
}).refine(({ ends, idle_return_minutes }) => ends !== 'same' || idle_return_minutes === undefined, {
  message: 'another idle rule changes the ends: use "recomputed"', path: ['ends'],
}).meta({ id: 'ReplayRequest' });
export type ReplayBody = z.infer<typeof replayBody>;

export const replayMode = z.enum(['as_it_was', 'same_ends', 'ends_recomputed']);
export type ReplayMode = z.infer<typeof replayMode>;
/** A line of a replay (NDJSON): progress while it runs, then one line for each account, then the report. */
export const replayLine = z.discriminatedUnion('line', [
  z.object({ line: z.literal('progress'), events: z.int(), position: z.int(), head: z.int() }),
  z.object({
    line: z.literal('account'), user_id: userId, balance: z.int(), live_balance: z.int(), difference: z.int(),
    balance_units: z.int(), live_balance_units: z.int(), difference_units: z.int(),
  }),
  z.object({
    line: z.literal('report'), events: z.int(), until: instant, mode: replayMode,
    accounts: z.int(), accounts_that_differ: z.int(), balance_units: z.int(), live_balance_units: z.int(), difference_units: z.int(),
    elapsed_seconds: z.number(), not_modelled: z.array(z.string()),
  }),
  z.object({ line: z.literal('failed'), code: z.string(), detail: z.string() }),
]).meta({ id: 'ReplayLine' });
export type ReplayLine = z.infer<typeof replayLine>;

export const auditDifference = z.object({
  kind: z.enum([
    'chain_broken', 'charge_changed', 'charge_missing', 'charge_doubled', 'charge_without_rental', 'return_changed', 'balance_below_zero', 'balance_differs', 'event_unreadable', 'ledger_halted',
  ]),
  user_id: userId.nullable(), gpu_id: gpuId.nullable(), position: z.int().nullable(), message: z.string(),
});
export type AuditDifference = z.infer<typeof auditDifference>;
/** `differences` holds the first 1,000. Σ granted = Σ balances + Σ charged, in units, of what is recorded. */
export const auditReport = z.object({
  ok: z.boolean(),
  checked_events: z.int(),
  differences: z.array(auditDifference),
  difference_count: z.int(),
  chain_ok: z.boolean(),
  sums: z.object({ granted_units: z.int(), charged_units: z.int(), balance_units: z.int(), ok: z.boolean() }),
  accounts: z.int(),
  position: z.int(),
  elapsed_seconds: z.number(),
}).meta({ id: 'AuditReport' });
export type AuditReport = z.infer<typeof auditReport>;

export const usageGroup = z.enum(['user', 'org', 'day', 'gpu_model']);
export type UsageGroup = z.infer<typeof usageGroup>;
/**
 * `group`: the user's id, the org's slug, the UTC day (`2026-05-17`) or the model. A minute belongs to the instant at which it begins. By org
 * it counts for each org that its user belonged to then, so that the rows may add up to more than the total; `-` is no org.
 */
export const usageRow = z.object({ group: z.string(), rentals: z.int(), minutes: z.int(), hours: z.number(), credits: z.number(), units: z.int() });
export const usageReport = z.object({
  from: instant, to: instant, group_by: usageGroup, usage: z.array(usageRow), total: usageRow.omit({ group: true }),
}).meta({ id: 'UsageReport' });
export type UsageReport = z.infer<typeof usageReport>;
export type UsageRow = z.infer<typeof usageRow>;
export const usageColumns = ['group', 'rentals', 'minutes', 'hours', 'credits', 'units'] as const satisfies readonly (keyof UsageRow)[];
