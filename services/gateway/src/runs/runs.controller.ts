import { Controller } from '@nestjs/common';
import { ListRuns, newRunId, routes, StartRun, StopRun } from '@kgpu/contracts';
import { checkOwnGpu } from '../gpus/rental-of.ts';
import type { Given } from '../http/given.ts';
import { Handles } from '../http/handles.ts';
import { Parts, type Asker } from '../http/parts.ts';
import { Result } from '../http/result.ts';
import { userOf } from '../identity/caller.ts';
import { findRun } from './find-run.ts';

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
    return findRun(this.parts, given, given.params.run_id, given.query.wait_seconds);
  }

  @Handles(routes.stopRun)
  async stop(given: Given<typeof routes.stopRun>) {
    const { run_id } = given.params;
    if (given.caller.kind === 'rental') await findRun(this.parts, given, run_id);
    const { run } = await this.parts.ask(StopRun, { command_id: given.command.id, run_id, user_id: userOf(given.caller) }, given);
    return run;
  }
}

function ownGpu({ caller }: Asker): string | null {
  return caller.kind === 'rental' ? caller.gpuId : null;
}
