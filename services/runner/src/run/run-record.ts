/** Records what happens to runs and lets the writer read it back: when `record` resolves, the projection knows it. */
import { eventCodec, type RunEvent } from '@kgpu/contracts';
import { CommandHandler } from '@kgpu/event-store';
import type { Projection, ServiceContext } from '@kgpu/runtime';
import { runDecider, type RunCommand, type RunState } from './run.ts';

export interface RecordOptions {
  commitId: string;
  requestId?: string;
}

export class RunRecord {
  readonly #commands: CommandHandler<RunState, RunCommand, RunEvent>;

  constructor(
    private readonly context: ServiceContext,
    private readonly projection: Projection,
  ) {
    this.#commands = new CommandHandler(context.store, runDecider, { codec: eventCodec });
  }

  /** Position of the command's last event, or of the run's last one when there was nothing to record. */
  async record(runId: string, command: RunCommand, options: RecordOptions): Promise<number> {
    const { position } = await this.#commands.handle(`run-${runId}`, command, { ...options, now: this.context.clock.now() });
    await this.projection.reached(position);
    return position;
  }

  /** Resolves when the projection knows everything that is on record now, by whomever. */
  async catchUp(): Promise<void> {
    await this.projection.reached(await this.context.store.head());
  }
}
