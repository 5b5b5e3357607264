/** The states of the drives as a file, so that a start need not read every fact of every drive. */
import { join } from 'node:path';
import type { DriveId } from '@kgpu/contracts';
import type { EventStore, Loaded } from '@kgpu/event-store';
import { SnapshotFile } from '@kgpu/runtime';
import type { Logger } from 'pino';
import type { DriveState } from './drive.ts';

/** Rises with every change of what a state holds or how it is folded. */
const VERSION = 2;

type Entry = readonly [DriveId, Loaded<DriveState>];

export interface Snapshot {
  drives: Entry[];
  position: number;
}

interface Line {
  drive: DriveId;
  loaded: Loaded<DriveState>;
}

export class SnapshotStore {
  readonly #file: SnapshotFile<Line>;

  constructor(dataDir: string, store: EventStore, log: Logger) {
    this.#file = new SnapshotFile({ file: join(dataDir, 'files-snapshot.jsonl'), version: VERSION, store, log, replace, revive });
  }

  /** Null when there is none that can be used. */
  async load(): Promise<Snapshot | null> {
    const drives: Entry[] = [];
    const position = await this.#file.load(({ drive, loaded }) => drives.push([drive, loaded]));
    return position === null ? null : { drives, position };
  }

  /** `position`: of the last fact that the states know, whose id is `eventId`. Taken before the first await. */
  save(drives: Iterable<Entry>, position: number, eventId: string): Promise<void> {
    return this.#file.save(linesOf(drives), position, eventId);
  }
}

function* linesOf(drives: Iterable<Entry>): Generator<Line> {
  for (const [drive, loaded] of drives) yield { drive, loaded };
}

function replace(_key: string, value: unknown): unknown {
  return value instanceof Map ? { map: [...value] } : value;
}

function revive(_key: string, value: unknown): unknown {
  return typeof value === 'object' && value !== null && 'map' in value ? new Map(value.map as [unknown, unknown][]) : value;
}
