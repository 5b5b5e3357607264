import { hash } from 'node:crypto';
import { categoryOf, WrongRevision } from './event-store.ts';
import type { AppendOptions, EventMetadata, Expected, NewEvent, RecordedEvent } from './event-store.ts';

/** An append that has passed its bounds, with all that doesn't depend on where in the log it will stand. */
export interface Commit {
  stream: string;
  category: string;
  expected: Expected;
  metadata: EventMetadata;
  events: CommitEvent[];
  /** Characters of JSON and bytes of bodies. */
  size: number;
  bodyBytes: number;
}

export interface CommitEvent {
  id: string;
  type: string;
  v: number;
  /** `data` as JSON: what a reader gets is what JSON keeps, from every adapter. */
  json: string;
  body: Uint8Array | null;
}

export const maxEventBytes = 1_048_576;
const maxEvents = 1_000;

/** Throws a RangeError or TypeError when the append is outside of the bounds that the port promises. */
export function prepareCommit(stream: string, events: readonly NewEvent[], options: AppendOptions): Commit {
  checkName('stream', stream);
  checkName('commit id', options.commitId);
  checkExpected(options.expected);
  if (events.length < 1 || events.length > maxEvents) throw new RangeError(`a commit has 1 to ${maxEvents} events, not ${events.length}`);
  const metadata: EventMetadata = { commit_id: options.commitId };
  if (options.requestId !== undefined) metadata.request_id = options.requestId;
  if (options.causedBy !== undefined && options.causedBy.length > 0) metadata.caused_by = [...options.causedBy];
  const prepared = events.map((event, index) => prepareEvent(event, eventId(stream, options.commitId, index)));
  const bodyBytes = prepared.reduce((sum, { body }) => sum + (body?.length ?? 0), 0);
  const size = prepared.reduce((sum, { json }) => sum + json.length, bodyBytes);
  return { stream, category: categoryOf(stream), expected: options.expected, metadata, events: prepared, size, bodyBytes };
}

/** Throws `WrongRevision` unless a stream whose last revision is `actual` (-1: no such stream) is as expected. */
export function checkRevision(stream: string, expected: Expected, actual: number): void {
  const ok = expected === 'any' || (expected === 'exists' ? actual >= 0 : actual === (expected === 'no_stream' ? -1 : expected));
  if (!ok) throw new WrongRevision(stream, expected, actual);
}

/** The recorded form of the commit's event number `index`. */
export function record(commit: Commit, index: number, position: number, revision: number, recordedAt: string): RecordedEvent {
  const { id, type, v, json, body } = commit.events[index]!;
  const { stream, metadata } = commit;
  return {
    id, position, stream, revision, type, v, data: JSON.parse(json), ...(body !== null && { body: Buffer.from(body) }),
    metadata: structuredClone(metadata), recorded_at: recordedAt,
  };
}

/** The limit of a read, 1,000 when none was given. */
export function checkLimit(limit = 1_000): number {
  if (!Number.isInteger(limit) || limit < 1 || limit > 10_000) throw new RangeError(`a limit is 1 to 10,000, not ${limit}`);
  return limit;
}

/** A revision or position that a reader starts from. */
export function checkStart(name: string, value: number): number {
  if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`${name} is a whole number from 0, not ${value}`);
  return value;
}

function checkName(what: string, name: string): void {
  // oxlint-disable-next-line no-control-regex
  if (name.length < 1 || name.length > 200 || /[\x00-\x1f\x7f]/.test(name) || !name.isWellFormed()) {
    throw new RangeError(`a ${what} has 1 to 200 characters and no control characters: ${JSON.stringify(name.slice(0, 220))}`);
  }
}

function checkExpected(expected: Expected): void {
  if (typeof expected === 'number') checkStart('expected', expected);
}

function prepareEvent(event: NewEvent, id: string): CommitEvent {
  if (!Number.isInteger(event.v) || event.v < 1) throw new RangeError(`${event.type}: a version is a whole number from 1, not ${event.v}`);
  if (typeof event.data !== 'object' || event.data === null) throw new TypeError(`${event.type}: data is an object`);
  const json = JSON.stringify(event.data);
  if (json.length > maxEventBytes || (json.length * 3 > maxEventBytes && Buffer.byteLength(json) > maxEventBytes)) {
    throw new RangeError(`${event.type}: an event is at most ${maxEventBytes} bytes of JSON`);
  }
  const { body = null } = event;
  if (body !== null && body.length > maxEventBytes) throw new RangeError(`${event.type}: a body is at most ${maxEventBytes} bytes`);
  return { id, type: event.type, v: event.v, json, body };
}

/** A name-based UUID (version 5): the same event of the same commit has the same id, whoever retries it. */
function eventId(stream: string, commitId: string, index: number): string {
  const hex = hash('sha1', `kgpu event\n${stream}\n${commitId}\n${index}`, 'hex');
  const variant = ((Number.parseInt(hex[16]!, 16) & 3) | 8).toString(16);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-5${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
