import { Controller } from '@nestjs/common';
import { AuditLedger, GetAccount, GetUsage, ListAccounts, Problem, routes, toCsv, usageColumns } from '@kgpu/contracts';
import { preferred } from '../http/accept.ts';
import type { Given } from '../http/given.ts';
import { Handles } from '../http/handles.ts';
import { LiveStreams } from '../http/live-streams.ts';
import { Parts } from '../http/parts.ts';
import { Result } from '../http/result.ts';
import { People } from '../identity/people.projection.ts';
import { csvHeaders, linesHeaders } from './media.ts';
import { factLines } from './pages.ts';
import { replayLines } from './replay-lines.ts';

/** They read the whole log. */
const AUDIT_MS = 60_000;
const USAGE_MS = 20_000;
const USUAL_WINDOW_MS = 30 * 86_400_000;
const FIRST_INSTANT_MS = Date.parse('0000-01-01T00:00:00Z');

/** The books, as admins read, replay and audit them. */
@Controller()
export class LedgerController {
  constructor(
    private readonly parts: Parts,
    private readonly people: People,
    private readonly streams: LiveStreams,
  ) {}

  @Handles(routes.listAccounts)
  async accounts(given: Given<typeof routes.listAccounts>) {
    const { at = null, as_of_position = null, limit, cursor = null } = given.query;
    return this.parts.ask(ListAccounts, { at, as_of_position, limit, cursor }, given);
  }

  @Handles(routes.getAccount)
  async account(given: Given<typeof routes.getAccount>) {
    const { user_id } = given.params;
    if (this.people.get(user_id) === undefined) throw new Problem('user_not_found');
    const { at = null, as_of_position = null } = given.query;
    return this.parts.ask(GetAccount, { user_id, at, as_of_position }, given);
  }

  @Handles(routes.listLedgerEvents)
  async events(given: Given<typeof routes.listLedgerEvents>) {
    const { after, follow, user_id = null, type = null } = given.query;
    return new Result(this.streams.open(await factLines(this.parts, given, { after, follow, user_id, type })), 200, linesHeaders);
  }

  @Handles(routes.replayLedger)
  async replay(given: Given<typeof routes.replayLedger>) {
    return new Result(this.streams.open(await replayLines(this.parts, given, given.body ?? {})), 200, linesHeaders);
  }

  @Handles(routes.auditLedger)
  async audit(given: Given<typeof routes.auditLedger>) {
    return this.parts.ask(AuditLedger, {}, given, AUDIT_MS);
  }

  @Handles(routes.getUsage)
  async usage(given: Given<typeof routes.getUsage>) {
    const { group_by, to = given.command.at.toISOString() } = given.query;
    const { from = new Date(Math.max(FIRST_INSTANT_MS, Date.parse(to) - USUAL_WINDOW_MS)).toISOString() } = given.query;
    const report = await this.parts.ask(GetUsage, { from, to, group_by }, given, USAGE_MS);
    if (preferred(given.headers.accept, ['application/json', 'text/csv']) !== 'text/csv') return report;
    return new Result(toCsv(usageColumns, report.usage), 200, csvHeaders('usage'));
  }
}
