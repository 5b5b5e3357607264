/** The drives and orgs that follow the log: from a snapshot or from the start, saved now and then. */
import { follow, type Projection, type ServiceContext } from '@kgpu/runtime';
import { OrgDirectory } from '../org/orgs.ts';
import { Drives } from './drives.projection.ts';
import { SnapshotStore } from './snapshot.store.ts';

/** What a start reads in a fraction of a second is worth no snapshot. */
const SNAPSHOT_EVERY = 100_000;
const SNAPSHOT_AT_CLOSE = 10_000;

export class FollowedDrives {
  readonly directory = new OrgDirectory();
  readonly projection: Projection;
  readonly #orgs: Projection;
  #sinceSnapshot = 0;
  #last = { id: '', position: 0 };
  #saving: Promise<void> | null = null;

  private constructor(
    readonly drives: Drives,
    after: number,
    private readonly context: ServiceContext,
    private readonly snapshots: SnapshotStore,
  ) {
    const drivesOnly = follow(context.store, { categories: ['drive'], after }, (event, recorded) => {
      drives.apply(event, recorded);
      this.#last = recorded;
      if (++this.#sinceSnapshot >= SNAPSHOT_EVERY) this.#save();
    });
    this.#orgs = follow(context.store, { categories: ['org'] }, (event) => this.directory.apply(event));
    this.projection = both(drivesOnly, this.#orgs);
    this.projection.onHalt((error) => context.log.fatal({ err: error }, 'the files service stands still until this event can be read'));
  }

  static async open(context: ServiceContext): Promise<FollowedDrives> {
    const snapshots = new SnapshotStore(context.config.KGPU_DATA_DIR, context.store, context.log);
    const snapshot = await snapshots.load();
    return new FollowedDrives(new Drives(snapshot?.drives), snapshot?.position ?? 0, context, snapshots);
  }

  async close(): Promise<void> {
    await this.projection.close();
    if (this.#sinceSnapshot >= SNAPSHOT_AT_CLOSE && this.projection.halted === null) this.#save();
    await this.#saving;
  }

  #save(): void {
    if (this.#saving !== null) return;
    this.#sinceSnapshot = 0;
    this.#saving = this.snapshots.save(this.drives, this.#last.position, this.#last.id)
      .catch((error: unknown) => this.context.log.warn({ err: error }, 'no snapshot could be saved; the next start takes longer'))
      .finally(() => (this.#saving = null));
  }
}

/** Orgs are few and always read from the start, drives from their snapshot: one view to those who ask. */
function both(one: Projection, other: Projection): Projection {
  return {
    get position() {
      return Math.min(one.position, other.position);
    },
    get halted() {
      return one.halted ?? other.halted;
    },
    ready: Promise.all([one.ready, other.ready]).then(() => undefined),
    async reached(position, deadlineMs) {
      await Promise.all([one.reached(position, deadlineMs), other.reached(position, deadlineMs)]);
    },
    onHalt(listener) {
      one.onHalt(listener);
      other.onHalt(listener);
    },
    async close() {
      await Promise.all([one.close(), other.close()]);
    },
  };
}
