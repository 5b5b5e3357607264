/**
 * The states of the drives as a file, so that a start need not read every fact of every drive. Only a shortcut: one that is damaged,
 * of another version or of another log is left aside, and the states are made of the facts again.
 */
import { hash } from 'node:crypto';
import { open, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import type { DriveId } from '@kgpu/contracts';
import type { EventStore, Loaded } from '@kgpu/event-store';
import type { Logger } from 'pino';
import type { DriveState } from './drive.ts';

/** Rises with every change of what a state holds or how it is folded. */
const VERSION = 1;

type Entry = readonly [DriveId, Loaded<DriveState>];

export interface Snapshot {
  drives: Entry[];
  position: number;
}

interface Head {
  version: number;
  position: number;
  /** The event at `position`: it tells this log from another. */
  event_id: string;
  sha256: string;
}

export class SnapshotStore {
  readonly #file: string;

  constructor(
    dataDir: string,
    private readonly store: EventStore,
    private readonly log: Logger,
  ) {
    this.#file = join(dataDir, 'files-snapshot.json');
  }

  /** Null when there is none that can be used. */
  async load(): Promise<Snapshot | null> {
    const text = await readFile(this.#file, 'utf8').catch(() => null);
    if (text === null) return null;
    try {
      const line = text.indexOf('\n');
      const head = JSON.parse(text.slice(0, line)) as Head;
      const body = text.slice(line + 1);
      const wrong = await this.#wrong(head, body);
      if (wrong === null) return { drives: JSON.parse(body, revive) as Entry[], position: head.position };
      this.log.warn({ file: this.#file }, `the snapshot ${wrong}; reading the whole log instead`);
    } catch (error) {
      this.log.warn({ err: error, file: this.#file }, 'the snapshot cannot be read; reading the whole log instead');
    }
    return null;
  }

  /** `position`: of the last fact that the states know, whose id is `eventId`. Taken before the first await. */
  async save(drives: Iterable<Entry>, position: number, eventId: string): Promise<void> {
    const body = JSON.stringify([...drives], replace);
    const head: Head = { version: VERSION, position, event_id: eventId, sha256: hash('sha256', body, 'hex') };
    // One name: what a killed process has left of it is written over.
    const temporary = `${this.#file}.new`;
    const file = await open(temporary, 'w', 0o600);
    try {
      await file.writeFile(`${JSON.stringify(head)}\n${body}`);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, this.#file);
  }

  async #wrong({ version, position, event_id, sha256 }: Head, body: string): Promise<string | null> {
    if (version !== VERSION) return `has version ${version}, not ${VERSION}`;
    if (hash('sha256', body, 'hex') !== sha256) return 'is damaged';
    const [event] = await this.store.readAll({ after: position - 1, limit: 1 });
    return event?.position === position && event.id === event_id ? null : 'is of another log';
  }
}

function replace(_key: string, value: unknown): unknown {
  return value instanceof Map ? { map: [...value] } : value;
}

function revive(_key: string, value: unknown): unknown {
  return typeof value === 'object' && value !== null && 'map' in value ? new Map(value.map as [unknown, unknown][]) : value;
}
