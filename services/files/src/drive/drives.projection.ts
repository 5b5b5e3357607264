/** Every drive's state in memory: where commands load from, and what the policies look through. */
import type { DriveEvent, DriveId, KgpuEvent } from '@kgpu/contracts';
import type { Loaded } from '@kgpu/event-store';
import { driveDecider, type DriveState } from './drive.ts';

export type DriveListener = (event: DriveEvent) => void;

export class Drives {
  readonly #drives = new Map<DriveId, Loaded<DriveState>>();
  readonly #listeners = new Set<DriveListener>();

  /** From a snapshot. */
  constructor(drives: Iterable<readonly [DriveId, Loaded<DriveState>]> = []) {
    for (const [drive, loaded] of drives) this.#drives.set(drive, loaded);
  }

  apply(event: KgpuEvent, { revision, position }: { revision: number; position: number }): void {
    if (!isDriveEvent(event)) return;
    const { drive } = event.data;
    this.#drives.set(drive, { state: driveDecider.evolve(this.#drives.get(drive)?.state ?? driveDecider.initial, event), revision, position });
    for (const listener of this.#listeners) listener(event);
  }

  get(drive: DriveId): Loaded<DriveState> | undefined {
    return this.#drives.get(drive);
  }

  /** Told of every event from now on. Returns the way to stop. */
  listen(listener: DriveListener): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  [Symbol.iterator](): IterableIterator<[DriveId, Loaded<DriveState>]> {
    return this.#drives.entries();
  }
}

function isDriveEvent(event: KgpuEvent): event is DriveEvent {
  return 'drive' in event.data;
}
