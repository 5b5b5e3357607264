import { Controller } from '@nestjs/common';
import { GetRun, ListRuns, newRunId, Problem, routes, StartRun, StopRun, type Run } from '@kgpu/contracts';
import { checkOwnGpu } from '../gpus/rental-of.ts';
import type { Given } from '../http/given.ts';
import { Handles } from '../http/handles.ts';
import { Parts, type Asker } from '../http/parts.ts';
import { Result } from '../http/result.ts';
import { userOf } from '../identity/caller.ts';

@Controller()
export class RunsController {
  constructor(private readonly parts: Parts) {}

  @Handles(routes.startRun)
  async start(given: Given<typeof routes.startRun>) {
    const { body, command } = given;
    checkOwnGpu(given.caller, body.gpu_id);
    const user_id = userOf(given.caller);
    const run_id = newRunId(user_id, command.at, command.id);
    const { name = null, cwd = null, timeout_seconds = null, ...rest } = body;
    const { run } = await this.parts.ask(StartRun, { ...rest, command_id: command.id, run_id, user_id, name, cwd, timeout_seconds }, given);
    return new Result(run, 201, { location: `/v1/runs/${run_id}` });
  }

  @Handles(routes.listRuns)
  async list(given: Given<typeof routes.listRuns>) {
    const { phase = null, limit, cursor = null, gpu_id = ownGpu(given) } = given.query;
    if (gpu_id !== null) checkOwnGpu(given.caller, gpu_id);
    return this.parts.ask(ListRuns, { user_id: userOf(given.caller), gpu_id, phase, limit, cursor }, given);
  }

  @Handles(routes.getRun)
  async get(given: Given<typeof routes.getRun>) {
    return this.#find(given, given.params.run_id, given.query.wait_seconds);
  }

  @Handles(routes.stopRun)
  async stop(given: Given<typeof routes.stopRun>) {
    const { run_id } = given.params;
    if (given.caller.kind === 'rental') await this.#find(given, run_id);
    const { run } = await this.parts.ask(StopRun, { command_id: given.command.id, run_id, user_id: userOf(given.caller) }, given);
    return run;
  }

  /** A run that the caller may see. */
  async #find(asker: Asker, run_id: string, wait_seconds = 0): Promise<Run> {
    const { run } = await this.parts.ask(GetRun, { run_id, user_id: userOf(asker.caller), wait_seconds }, asker);
    if (asker.caller.kind === 'rental' && run.gpu_id !== asker.caller.gpuId) throw new Problem('run_not_found');
    return run;
  }
}

function ownGpu({ caller }: Asker): string | null {
  return caller.kind === 'rental' ? caller.gpuId : null;
}
