/**
 * Every type of event that kgpu records, its current version and shape. A shape that was ever written is never changed:
 * a new shape is a new version, and `upcasters` lifts the old one (pure, one step: from v to v+1). `history/` keeps one real event
 * of each type and version; a spec reads them all.
 */
import type { z } from 'zod';
import { accountEvents } from './account.ts';
import { driveEvents } from './drive.ts';
import { directoryEvents, requestEvents, tokenEvents } from './identity.ts';
import { leaseEvents } from './lease.ts';
import { orgEvents } from './org.ts';
import { lockEvents } from './lock.ts';
import { propertyEvents } from './properties.ts';
import { nodeEvents, rentalEvents } from './rental.ts';
import { outputAsBody, outputEvents, runEvents } from './run.ts';
import { versionedCodec, type Contents, type Recorded, type Upcaster } from './versioned-codec.ts';

export * from './account.ts';
export * from './drive.ts';
export * from './identity.ts';
export * from './lease.ts';
export * from './org.ts';
export * from './lock.ts';
export * from './properties.ts';
export * from './rental.ts';
export * from './run.ts';
export { UnknownEvent } from './versioned-codec.ts';

export const eventSchemas = {
  ...rentalEvents, ...nodeEvents, ...runEvents, ...outputEvents, ...leaseEvents, ...accountEvents, ...directoryEvents, ...tokenEvents, ...requestEvents,
  ...orgEvents, ...driveEvents,
  ...lockEvents, ...propertyEvents,
};
export type EventType = keyof typeof eventSchemas;
export type EventData<T extends EventType> = z.infer<(typeof eventSchemas)[T]>;
/** `EventOf<'RentalStarted' | 'RentalEnded'>` is the union of `{type, data}` of these types. */
export type EventOf<T extends EventType> = { [K in T]: { type: K; data: EventData<K> } }[T];

export type RentalEvent = EventOf<keyof typeof rentalEvents>;
export type NodeEvent = EventOf<keyof typeof nodeEvents>;
export type RunEvent = EventOf<keyof typeof runEvents>;
export type OutputEvent = EventOf<keyof typeof outputEvents>;
export type LeaseEvent = EventOf<keyof typeof leaseEvents>;
export type AccountEvent = EventOf<keyof typeof accountEvents>;
export type DirectoryEvent = EventOf<keyof typeof directoryEvents>;
export type TokenEvent = EventOf<keyof typeof tokenEvents>;
export type RequestEvent = EventOf<keyof typeof requestEvents>;
export type OrgEvent = EventOf<keyof typeof orgEvents>;
export type DriveEvent = EventOf<keyof typeof driveEvents>;
export type LockEvent = EventOf<keyof typeof lockEvents>;
export type PropertyEvent = EventOf<keyof typeof propertyEvents>;
export type KgpuEvent = EventOf<EventType>;

/** Current versions that are not 1. */
const versions: Partial<Record<EventType, number>> = { RunRequested: 2, OutputWritten: 3 };
/** `upcasters['RentalStarted@1']` turns version 1 into version 2. */
const upcasters: Record<string, Upcaster> = {
  'RunRequested@1': ({ data }) => ({ data: { ...data, runner: null } }),
  'OutputWritten@1': ({ data }) => ({ data: { ...data, skipped: 0 } }),
  'OutputWritten@2': outputAsBody,
};

export function currentVersion(type: EventType): number {
  return versions[type] ?? 1;
}

const codec = versionedCodec((type) => (Object.hasOwn(eventSchemas, type) ? currentVersion(type as EventType) : 0), upcasters);

/** Stamps and lifts versions: what stands between domain files (current shapes only) and the log (every shape ever written). */
export const eventCodec = {
  encode(event: { type: string } & Contents): { type: string; v: number } & Contents {
    return codec.encode(event);
  },
  /** Throws `UnknownEvent`. */
  decode<E extends KgpuEvent = KgpuEvent>(recorded: Recorded): E & { body?: Buffer } {
    return codec.decode(recorded) as E;
  },
};
