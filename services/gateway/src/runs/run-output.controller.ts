import { Controller } from '@nestjs/common';
import { routes } from '@kgpu/contracts';
import type { Given } from '../http/given.ts';
import { Handles } from '../http/handles.ts';
import { LiveStreams } from '../http/live-streams.ts';
import { requestedRange } from '../http/byte-range.ts';
import { Result } from '../http/result.ts';
import { eventStreamHeaders, lastEventId, nothingMore } from '../http/server-sent-events.ts';
import { logReply } from './log-reply.ts';
import { beginning, parsePlace, RunEvents } from './run-events.ts';
import { RunLog } from './run-log.ts';

/** What runs write, and what happens to them, as it comes. */
@Controller()
export class RunOutputController {
  constructor(
    private readonly log: RunLog,
    private readonly runEvents: RunEvents,
    private readonly streams: LiveStreams,
  ) {}

  @Handles(routes.getLogs)
  async logs(given: Given<typeof routes.getLogs>) {
    const { run_id } = given.params;
    const { stream, follow } = given.query;
    const run = await this.log.find(given.caller, run_id);
    const extent = await this.log.extent(run_id, stream, requestedRange(given.headers.range));
    const { status, headers, ...section } = logReply({ isRunning: run.ended === null, extent, follow, range: given.headers.range });
    return new Result(this.streams.open((signal) => this.log.bytes(run_id, stream, section, signal)), status, headers);
  }

  @Handles(routes.followRun)
  async follow(given: Given<typeof routes.followRun>) {
    const { run_id } = given.params;
    const place = lastEventId(given.headers, parsePlace) ?? beginning;
    await this.log.find(given.caller, run_id);
    if (place.stage === 2) return nothingMore;
    return new Result(this.streams.open((signal) => this.runEvents.follow(run_id, place, signal)), 200, eventStreamHeaders);
  }
}
