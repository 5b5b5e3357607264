/** Records what happens to drives. A drive that the projection knows is read on from there. */
import { eventCodec, type DriveEvent, type DriveId } from '@kgpu/contracts';
import { CommandHandler, type Handled } from '@kgpu/event-store';
import type { Projection, ServiceContext } from '@kgpu/runtime';
import { driveDecider, type DriveCommand, type DriveState } from './drive.ts';
import type { Drives } from './drives.projection.ts';

export interface RecordOptions {
  commitId: string;
  requestId?: string;
}

export class DriveRecord {
  readonly #commands: CommandHandler<DriveState, DriveCommand, DriveEvent>;

  constructor(
    private readonly context: ServiceContext,
    private readonly projection: Projection,
    drives: Drives,
  ) {
    this.#commands = new CommandHandler(context.store, driveDecider, {
      codec: eventCodec, recall: (stream) => drives.get(stream.slice('drive-'.length)),
    });
  }

  /** With everything that is in the store now. */
  async load(drive: DriveId): Promise<{ state: DriveState; position: number }> {
    return this.#commands.load(streamOf(drive));
  }

  record(command: DriveCommand, options: RecordOptions): Promise<Handled<DriveState, DriveEvent>> {
    return this.#commands.handle(streamOf(command.drive), command, { ...options, now: this.context.clock.now() });
  }

  /** What a commit wrote; null when there is no such commit. */
  async committed(drive: DriveId, commitId: string): Promise<{ events: DriveEvent[]; position: number } | null> {
    const found = await this.context.store.findCommit(streamOf(drive), commitId);
    return found === null ? null : { events: found.events.map((event) => eventCodec.decode<DriveEvent>(event)), position: found.position };
  }

  /** Resolves when the projection knows everything that is recorded now. */
  async caughtUp(): Promise<void> {
    await this.projection.reached(await this.context.store.head());
  }
}

function streamOf(drive: DriveId): string {
  return `drive-${drive}`;
}
