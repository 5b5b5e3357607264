/** Records what happens to rentals and lets the writer read it back: when `record` resolves, the projection knows it. */
import { eventCodec, type RentalEvent } from '@kgpu/contracts';
import { CommandHandler } from '@kgpu/event-store';
import type { Projection, ServiceContext } from '@kgpu/runtime';
import { rentalDecider, type RentalCommand, type RentalState } from './rental.ts';

export interface RecordOptions {
  commitId: string;
  requestId?: string;
}

export class RentalRecord {
  readonly #commands: CommandHandler<RentalState, RentalCommand, RentalEvent>;

  constructor(
    private readonly context: ServiceContext,
    private readonly projection: Projection,
  ) {
    this.#commands = new CommandHandler(context.store, rentalDecider, { codec: eventCodec });
  }

  load(gpuId: string): Promise<{ state: RentalState; position: number }> {
    return this.#commands.load(streamOf(gpuId));
  }

  /** Position of the rental's last event. */
  async record(gpuId: string, command: RentalCommand, options: RecordOptions): Promise<number> {
    const { position } = await this.#commands.handle(streamOf(gpuId), command, { ...options, now: this.context.clock.now() });
    await this.projection.reached(position);
    return position;
  }
}

function streamOf(gpuId: string): string {
  return `rental-${gpuId}`;
}
