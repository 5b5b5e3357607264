import { Controller } from '@nestjs/common';
import { ForecastRent, GetBalance, GetRental, ListRentals, ListRuns, newGpuId, RentGpu, routes } from '@kgpu/contracts';
import type { Given } from '../http/given.ts';
import { Handles } from '../http/handles.ts';
import { Parts } from '../http/parts.ts';
import { preferred } from '../http/accept.ts';
import { LiveStreams } from '../http/live-streams.ts';
import { Result } from '../http/result.ts';
import { eventStreamHeaders, lastEventId, nothingMore } from '../http/server-sent-events.ts';
import { userOf } from '../identity/caller.ts';
import { ClusterSummary } from './cluster-summary.ts';
import { RentalHistory } from './rental-history.ts';
import { checkOwnGpu, endRental, withoutOwner } from './rental-of.ts';
import { unlessAway, withStanding, withStandings } from './standings.ts';

const SHOWN_RUNS = 50;

@Controller()
export class GpusController {
  constructor(
    private readonly parts: Parts,
    private readonly summary: ClusterSummary,
    private readonly history: RentalHistory,
    private readonly streams: LiveStreams,
  ) {}

  @Handles(routes.listGpus)
  async list(given: Given<typeof routes.listGpus>) {
    const { caller } = given;
    if (caller.kind !== 'user' || caller.person.status !== 'active') return this.summary.get(given);
    const user_id = userOf(caller);
    const { state, limit, cursor = null } = given.query;
    const [cluster, mine, balance] = await Promise.all([
      this.summary.get(given),
      this.parts.ask(ListRentals, { user_id, state, limit, cursor }, given),
      unlessAway(this.parts.ask(GetBalance, { user_id }, given)),
    ]);
    const rentals = await withStandings(this.parts, given, mine.rentals);
    return { ...cluster, my_gpus: rentals.map(withoutOwner), next_cursor: mine.next_cursor, ...(balance !== null && { credits: { balance: balance.balance } }) };
  }

  @Handles(routes.rentGpu)
  async rent(given: Given<typeof routes.rentGpu>) {
    const { body, command } = given;
    const user_id = userOf(given.caller);
    const terms = { user_id, gpu_model: body.gpu_model ?? null, duration_seconds: body.duration_hours * 3_600 };
    if (body.dry_run) return new Result(await this.parts.ask(ForecastRent, terms, given));
    const { image, env, wait_seconds, name = null } = body;
    const gpu_id = newGpuId(user_id, command.at, command.id);
    const { rental } = await this.parts.ask(RentGpu, { command_id: command.id, gpu_id, ...terms, image, name, env, wait_seconds }, given);
    return new Result(withoutOwner(await withStanding(this.parts, given, rental)), 201, { location: `/v1/gpus/${gpu_id}` });
  }

  @Handles(routes.getGpu)
  async get(given: Given<typeof routes.getGpu>) {
    const { gpu_id } = given.params;
    checkOwnGpu(given.caller, gpu_id);
    const user_id = userOf(given.caller);
    const { rental } = await this.parts.ask(GetRental, { gpu_id, user_id, wait_seconds: given.query.wait_seconds }, given);
    const { runs } = await this.parts.ask(ListRuns, { user_id, gpu_id, phase: null, with_output: false, limit: SHOWN_RUNS }, given);
    return { ...withoutOwner(await withStanding(this.parts, given, rental)), runs };
  }

  @Handles(routes.returnGpu)
  async return(given: Given<typeof routes.returnGpu>) {
    return withoutOwner(await endRental(this.parts, given, { gpuId: given.params.gpu_id, userId: userOf(given.caller), reason: 'returned' }));
  }

  @Handles(routes.listGpuEvents)
  async listEvents(given: Given<typeof routes.listGpuEvents>) {
    const { gpu_id } = given.params;
    const after = lastEventId(given.headers, positionOf) ?? 0;
    await this.parts.ask(GetRental, { gpu_id, user_id: userOf(given.caller) }, given);
    if (preferred(given.headers.accept, ['application/json', 'text/event-stream']) !== 'text/event-stream') return { events: await this.history.read(gpu_id) };
    if (await this.history.isOver(gpu_id, after)) return nothingMore;
    return new Result(this.streams.open((signal) => this.history.follow(gpu_id, after, signal)), 200, eventStreamHeaders);
  }
}

function positionOf(id: string): number | null {
  return /^\d{1,15}$/.test(id) ? Number(id) : null;
}
