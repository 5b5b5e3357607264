import { Controller } from '@nestjs/common';
import { GetBalanceSeries, GetDeadlines, ListEntries, routes } from '@kgpu/contracts';
import { preferred } from '../http/accept.ts';
import type { Given } from '../http/given.ts';
import { Handles } from '../http/handles.ts';
import { LiveStreams } from '../http/live-streams.ts';
import { Parts } from '../http/parts.ts';
import { Result } from '../http/result.ts';
import { userOf } from '../identity/caller.ts';
import { csvHeaders } from './media.ts';
import { statementCsv } from './pages.ts';

/** Where one's own credits went and will go. */
@Controller()
export class StatementController {
  constructor(
    private readonly parts: Parts,
    private readonly streams: LiveStreams,
  ) {}

  @Handles(routes.getBalanceSeries)
  async series(given: Given<typeof routes.getBalanceSeries>) {
    const { from = null, to = null, step = null } = given.query;
    return this.parts.ask(GetBalanceSeries, { user_id: userOf(given.caller), from, to, step_seconds: step }, given);
  }

  @Handles(routes.listEntries)
  async entries(given: Given<typeof routes.listEntries>) {
    const user_id = userOf(given.caller);
    const { limit, cursor = null } = given.query;
    if (preferred(given.headers.accept, ['application/json', 'text/csv']) !== 'text/csv') return this.parts.ask(ListEntries, { user_id, limit, cursor }, given);
    return new Result(this.streams.open(await statementCsv(this.parts, given, user_id, cursor)), 200, csvHeaders('statement'));
  }

  @Handles(routes.getDeadlines)
  async deadlines(given: Given<typeof routes.getDeadlines>) {
    return this.parts.ask(GetDeadlines, { gpu_id: given.params.gpu_id, user_id: userOf(given.caller) }, given);
  }
}
