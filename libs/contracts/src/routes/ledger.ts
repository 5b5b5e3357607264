import { z } from 'zod';
import {
  auditReport, balanceSeries, entryPage, ledgerAccount, ledgerAccountPage, rentalDeadlines, replayBody, usageGroup, usageReport,
} from '../ledger.ts';
import { gpuId, instant } from '../shapes.ts';
import { page, queryInt } from './query.ts';
import { route } from './route.ts';

const gpuParams = z.object({ gpu_id: gpuId });
const userParams = z.object({ user_id: queryInt(1, 2_147_483_647) });
const unitSeconds: Record<string, number> = { s: 1, m: 60, h: 3_600, d: 86_400 };

/** `900`, `15m`, `1h` → seconds. */
const stepSeconds = z.string().regex(/^\d{1,9}[smhd]?$/, 'must be seconds, or a duration such as 15m or 1h')
  .transform((text) => Number.parseInt(text, 10) * (unitSeconds[text.at(-1)!] ?? 1)).pipe(z.number().positive());

/** Both axes of time: what was so at `at`, and what had been recorded by a position of the log. */
const timeTravel = {
  at: instant.optional().meta({ description: 'What was so at this business time; now without it' }),
  as_of_position: queryInt(0, Number.MAX_SAFE_INTEGER).optional().meta({ type: 'integer', description: 'What was known when the log was that long; everything without it' }),
};

export const ledgerRoutes = {
  getBalanceSeries: route('GET /v1/balance/series', {
    tag: 'Account', summary: 'Your credits over time, for a chart', description: 'At most 1,000 points. `step` in seconds, or as `15m`, `1h`.',
    query: z.strictObject({ from: instant.optional(), to: instant.optional(), step: stepSeconds.optional() }),
    replies: { 200: balanceSeries }, problems: ['account_not_found'],
  }),
  listEntries: route('GET /v1/balance/entries', {
    tag: 'Account', summary: 'Your statement, newest first', description: 'With `Accept: text/csv` all of it, from `cursor` on, as CSV.',
    query: z.strictObject(page), problems: ['account_not_found'],
    replies: { 200: { description: 'By `Accept`', content: ['application/json', 'text/csv'], json: entryPage } },
  }),
  getDeadlines: route('GET /v1/gpus/{gpu_id}/deadlines', {
    tag: 'GPUs', summary: 'Why and when a rental will end', params: gpuParams, replies: { 200: rentalDeadlines }, problems: ['gpu_not_found'],
  }),
  listAccounts: route('GET /v1/admin/ledger/accounts', {
    tag: 'Ledger', auth: 'admin', summary: 'Balances, now or at any past instant', query: z.strictObject({ ...timeTravel, ...page }), replies: { 200: ledgerAccountPage },
  }),
  getAccount: route('GET /v1/admin/ledger/accounts/{user_id}', {
    tag: 'Ledger', auth: 'admin', summary: "A user's account, now or at any past instant",
    params: userParams, query: z.strictObject(timeTravel), replies: { 200: ledgerAccount }, problems: ['user_not_found', 'account_not_found'],
  }),
  listLedgerEvents: route('GET /v1/admin/ledger/events', {
    tag: 'Ledger', auth: 'admin', summary: 'The recorded facts in order, a line of JSON each',
    description: '`after` resumes behind a position; `follow=1` goes on with what is recorded next.',
    query: z.strictObject({
      after: queryInt(0, Number.MAX_SAFE_INTEGER).prefault('0'), user_id: queryInt(1, 2_147_483_647).optional(), type: z.string().min(1).max(100).optional(),
      follow: z.enum(['0', '1', 'false', 'true']).transform((text) => text === '1' || text === 'true').prefault('0'),
    }),
    replies: { 200: { description: 'A fact per line', content: ['application/x-ndjson'] } },
  }),
  replayLedger: route('POST /v1/admin/ledger/replay', {
    tag: 'Ledger', auth: 'admin', summary: 'Replays history, as it was or what if', description: 'Lines of JSON: progress, accounts, then the report. Changes nothing.',
    body: replayBody.optional(), problems: ['account_not_found', 'replay_not_found'],
    replies: { 200: { description: 'Lines of progress, accounts and the report', content: ['application/x-ndjson'] } },
  }),
  auditLedger: route('GET /v1/admin/ledger/audit', {
    tag: 'Ledger', auth: 'admin', summary: 'Recomputes everything from the facts and compares it with what was recorded', replies: { 200: auditReport },
  }),
  getUsage: route('GET /v1/admin/usage', {
    tag: 'Ledger', auth: 'admin', summary: 'Hours and credits', description: 'Of the last 30 days unless `from` and `to` say otherwise. CSV with `Accept: text/csv`.',
    query: z.strictObject({ from: instant.optional(), to: instant.optional(), group_by: usageGroup.default('user') }),
    replies: { 200: { description: 'By `Accept`', content: ['application/json', 'text/csv'], json: usageReport } },
  }),
};
