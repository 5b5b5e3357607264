/**
 * The bytes of one drive as facts. It exists so that uploads at the same time never pass the quota, so that deletions and transfers go
 * on after a crash, and so that a client that deletes what it failed to replace deletes nothing. Which files there are, the bucket
 * says: callers look there and tell what they found.
 */
import { Problem, type DriveEvent, type DriveId, type EventData, type FoundObject, type ProblemCode, type UploadWay } from '@kgpu/contracts';
import type { Decider } from '@kgpu/event-store';

/** An upload under way. */
export interface OpenUpload {
  id: string;
  path: string;
  way: UploadWay;
  /** Null while nobody knows. */
  size: number | null;
  contentType: string | null;
  /** What the path had when it was reserved. */
  was: FoundObject | null;
  /** Bytes that the path counts now. */
  counted: number;
  /** Room that is held: what it will count more. */
  held: number;
  /** Something else happens to the path at the same time: only a look tells what it counts. */
  contended: boolean;
  by: number | null;
  guardsDelete: boolean;
  storeUploadId: string | null;
  partBytes: number | null;
  expiresAt: string;
  reservedAt: string;
}

/** `files`: done so far; `steps`: facts about them. */
type Step = { id: string; path: string; files: number; steps: number };

export type OpenDeletion = Step & { kind: 'delete'; scope: EventData<'DeletionRequested'>['scope'] };
export type OpenTransfer = Step & {
  kind: 'copy' | 'move'; to: string; folder: boolean; shallow: boolean; replaces: boolean; held: number; phase: 'requested' | 'cleared' | 'copied';
};
export type OpenOperation = OpenDeletion | OpenTransfer;

export interface DriveState {
  usedBytes: number;
  uploads: ReadonlyMap<string, OpenUpload>;
  operations: ReadonlyMap<string, OpenOperation>;
  /** By path: whose next deletion does nothing, and until when. */
  guards: ReadonlyMap<string, { by: number | null; until: number }>;
  reconciledAt: string | null;
  /** Something was counted that may have been counted before, or may not have come: only the bucket tells. */
  isDoubtful: boolean;
}

export type NewUpload = Pick<OpenUpload, 'path' | 'way' | 'size' | 'contentType' | 'was' | 'by' | 'guardsDelete' | 'partBytes'> & { uploadId: string; expiresAt: Date };

/** `inexact`: a crash may have come between an act and its fact. */
export type Completion = 'exact' | 'inexact';

/** A file that was deleted or copied to; `bytes`: what the store said of it. */
export interface TouchedFile {
  path: string;
  bytes: number;
}

export type DriveCommand =
  | { type: 'Reserve'; drive: DriveId; upload: NewUpload; quotaBytes: number }
  | { type: 'Begin'; drive: DriveId; uploadId: string; storeUploadId: string }
  | { type: 'Grow'; drive: DriveId; uploadId: string; size: number; quotaBytes: number }
  /** `foundBytes`: what a look found at the path (0: nothing); null: the upload itself. */
  | { type: 'Confirm'; drive: DriveId; uploadId: string; size: number; etag: string; foundBytes: number | null }
  | { type: 'Release'; drive: DriveId; uploadId: string; reason: string }
  | { type: 'Refuse'; drive: DriveId; path: string; by: number | null; code: ProblemCode }
  /** A deletion that may be one that must do nothing. Nothing is recorded when it isn't. `upSince`: nobody could ask before. */
  | { type: 'UseGuard'; drive: DriveId; path: string; by: number | null; upSince: Date }
  | { type: 'Delete'; drive: DriveId; operationId: string; path: string; scope: OpenDeletion['scope']; by: number | null }
  | { type: 'Transfer'; drive: DriveId; operationId: string; transfer: Omit<OpenTransfer, keyof Step | 'phase'>; path: string; by: number | null; quotaBytes: number }
  /** Files of an operation are gone. `completes`: they were the last. */
  | { type: 'CountDeleted'; drive: DriveId; operationId: string; files: readonly TouchedFile[]; completes: Completion | null }
  /** Files of a transfer have copies. `replaced`: bytes that the store had at each target before. `next`: what has happened with the last of them. */
  | { type: 'CountCopied'; drive: DriveId; operationId: string; files: readonly (TouchedFile & { replaced: number })[]; next: 'more' | 'copied' | Completion }
  | { type: 'ClearTarget'; drive: DriveId; operationId: string }
  | { type: 'Complete'; drive: DriveId; operationId: string; completion: Completion }
  | { type: 'MakeFolder'; drive: DriveId; path: string; by: number | null }
  | { type: 'Register'; drive: DriveId; path: string; size: number; etag: string; by: number | null }
  | { type: 'Reconcile'; drive: DriveId; objects: number; differenceBytes: number };
type Command<T extends DriveCommand['type']> = Extract<DriveCommand, { type: T }>;

/** How long a client that guards has to send the deletion that must do nothing; an outage of so long makes it longer. */
const [GUARD_MS, MAX_DOWN_MS] = [5_000, 60_000];
/** More would make every command slow; who mints URLs in a loop is told to wait for the first to land. */
const MAX_OPEN_UPLOADS = 10_000;
const MAX_OPEN_OPERATIONS = 100;

function evolve(state: DriveState, event: DriveEvent): DriveState {
  switch (event.type) {
    case 'UploadReserved':
      return reserved(state, event.data);
    case 'UploadBegun':
      return changeUpload(state, event.data.upload_id, () => ({ storeUploadId: event.data.store_upload_id }));
    case 'UploadGrown':
      return changeUpload(state, event.data.upload_id, ({ counted }) => ({ size: event.data.size, held: Math.max(0, event.data.size - counted) }));
    case 'UploadConfirmed': {
      const { upload_id, path, counts } = event.data;
      const before = state.uploads.get(upload_id)?.counted ?? counts;
      const guards = new Map([...state.guards].filter(([guarded]) => guarded !== path));
      return count({ ...withoutUpload(state, upload_id), guards }, counts - before, new Map(uploadsAt(state, path).map(({ id }) => [id, counts])));
    }
    case 'UploadReleased': {
      const upload = state.uploads.get(event.data.upload_id);
      const guards = upload?.guardsDelete === true ? guardsWith(state, upload.path, upload.by, event.data.at) : state.guards;
      // Of a store that did not answer nobody knows what it has done.
      return { ...withoutUpload(state, event.data.upload_id), guards, isDoubtful: state.isDoubtful || event.data.reason === 'object_store_unavailable' };
    }
    case 'UploadRefused':
      return { ...state, guards: guardsWith(state, event.data.path, event.data.by, event.data.at) };
    case 'DeleteGuarded':
      return unguarded(state, event.data.path, event.data.by);
    case 'DeletionRequested': {
      const { operation_id: id, path, scope } = event.data;
      return { ...state, operations: new Map(state.operations).set(id, { kind: 'delete', id, path, scope, files: 0, steps: 0 }) };
    }
    case 'FilesDeleted': {
      const { operation_id, files, bytes, uploads } = event.data;
      // Files of a transfer that are deleted are its sources, not its work.
      return count(stepped(state, operation_id, files, 'delete'), -bytes, new Map(uploads.map((id) => [id, 0])));
    }
    case 'TransferRequested': {
      const { operation_id: id, kind, path, to, folder, shallow, replaces, held_bytes: held } = event.data;
      return { ...state, operations: new Map(state.operations).set(id, { kind, id, path, to, folder, shallow, replaces, held, files: 0, steps: 0, phase: 'requested' }) };
    }
    case 'TransferTargetCleared':
      return inPhase(state, event.data.operation_id, 'cleared');
    case 'FilesCopied': {
      const { operation_id, files, bytes, uploads } = event.data;
      return count(stepped(state, operation_id, files, 'copy', bytes), bytes, new Map(uploads.map(({ upload_id, counts }) => [upload_id, counts])));
    }
    case 'TransferCopied':
      return inPhase(state, event.data.operation_id, 'copied');
    case 'DeletionCompleted':
    case 'TransferCompleted': {
      const operations = new Map(state.operations);
      operations.delete(event.data.operation_id);
      return { ...state, operations, isDoubtful: state.isDoubtful || !event.data.exact };
    }
    case 'FolderMade': case 'FileRegistered':
      return state;
    case 'DriveReconciled':
      return { ...count(state, event.data.difference_bytes), reconciledAt: event.data.at, isDoubtful: false };
  }
}

function decide(command: DriveCommand, state: DriveState, now: Date): DriveEvent[] {
  const { drive } = command;
  const at = now.toISOString();
  switch (command.type) {
    case 'Reserve':
      return reserve(command, state, now);
    case 'Begin': {
      const upload = openUpload(state, command.uploadId);
      return upload.storeUploadId === null ? [{ type: 'UploadBegun', data: { drive, upload_id: upload.id, store_upload_id: command.storeUploadId, at } }] : [];
    }
    case 'Grow':
      return grow(command, state, now);
    case 'Confirm': {
      const { id, path } = openUpload(state, command.uploadId);
      const { size, etag, foundBytes } = command;
      return [{ type: 'UploadConfirmed', data: { drive, upload_id: id, path, size, etag, counts: foundBytes ?? size, at } }];
    }
    case 'Release': {
      const upload = state.uploads.get(command.uploadId);
      return upload === undefined ? [] : [{ type: 'UploadReleased', data: { drive, upload_id: upload.id, path: upload.path, reason: command.reason, at } }];
    }
    case 'Refuse':
      return [{ type: 'UploadRefused', data: { drive, path: command.path, by: command.by, code: command.code, at } }];
    case 'UseGuard':
      return isGuarded(state, command, now) ? [{ type: 'DeleteGuarded', data: { drive, path: command.path, by: command.by, at } }] : [];
    case 'Delete':
      return requestDeletion(command, state, now);
    case 'Transfer':
      return requestTransfer(command, state, now);
    case 'CountDeleted':
      return countDeleted(command, state, now);
    case 'CountCopied':
      return countCopied(command, state, now);
    case 'ClearTarget': {
      const { id, to, phase } = openTransfer(state, command.operationId);
      return phase === 'requested' ? [{ type: 'TransferTargetCleared', data: { drive, operation_id: id, path: to, at } }] : [];
    }
    case 'Complete':
      return [completed(drive, openOperation(state, command.operationId), 0, command.completion, at)];
    case 'MakeFolder':
      return [{ type: 'FolderMade', data: { drive, path: command.path, by: command.by, at } }];
    case 'Register':
      return [{ type: 'FileRegistered', data: { drive, path: command.path, size: command.size, etag: command.etag, by: command.by, at } }];
    case 'Reconcile': {
      const { objects, differenceBytes } = command;
      return [{ type: 'DriveReconciled', data: { drive, objects, used_bytes: state.usedBytes + differenceBytes, difference_bytes: differenceBytes, at } }];
    }
  }
}

export const emptyDrive: DriveState = { usedBytes: 0, uploads: new Map(), operations: new Map(), guards: new Map(), reconciledAt: null, isDoubtful: false };
export const driveDecider: Decider<DriveState, DriveCommand, DriveEvent> = { initial: emptyDrive, evolve, decide };

/** Room that is held for uploads and copies under way. */
export function reservedBytes({ uploads, operations }: DriveState): number {
  let bytes = 0;
  for (const { held } of uploads.values()) bytes += held;
  for (const operation of operations.values()) if (operation.kind !== 'delete') bytes += operation.held;
  return bytes;
}

function reserve({ drive, upload, quotaBytes }: Command<'Reserve'>, state: DriveState, now: Date): DriveEvent[] {
  if (state.uploads.has(upload.uploadId)) return [];
  if (state.uploads.size >= MAX_OPEN_UPLOADS) throw new Problem('rate_limited', `${MAX_OPEN_UPLOADS} uploads of this drive are under way.`, { retry_after_seconds: 30 });
  const counted = uploadsAt(state, upload.path)[0]?.counted ?? upload.was?.size ?? 0;
  needRoom(state, Math.max(0, (upload.size ?? 0) - counted), upload.size ?? 0, quotaBytes);
  const { uploadId: upload_id, path, way, size, contentType: content_type, was, by, guardsDelete: guards_delete, partBytes: part_bytes, expiresAt } = upload;
  return [{ type: 'UploadReserved', data: { drive, upload_id, path, way, size, content_type, was, by, guards_delete, part_bytes, expires_at: expiresAt.toISOString(), at: now.toISOString() } }];
}

function grow({ drive, uploadId, size, quotaBytes }: Command<'Grow'>, state: DriveState, now: Date): DriveEvent[] {
  const upload = openUpload(state, uploadId);
  if (upload.size !== null && size <= upload.size) return [];
  needRoom(state, Math.max(0, size - upload.counted) - upload.held, size, quotaBytes);
  return [{ type: 'UploadGrown', data: { drive, upload_id: uploadId, size, at: now.toISOString() } }];
}

/** Nothing is refused that needs no room: what is there may be made smaller though the drive is over its quota. */
function needRoom(state: DriveState, bytes: number, requestedBytes: number, quotaBytes: number): void {
  const reserved_bytes = reservedBytes(state);
  if (bytes <= 0 || state.usedBytes + reserved_bytes + bytes <= quotaBytes) return;
  throw new Problem('quota_exceeded', `The drive holds ${state.usedBytes} of ${quotaBytes} bytes, and room for ${reserved_bytes} is held by uploads under way.`, {
    used_bytes: state.usedBytes, quota_bytes: quotaBytes, requested_bytes: requestedBytes, reserved_bytes,
  });
}

function requestDeletion({ drive, operationId: operation_id, path, scope, by }: Command<'Delete'>, state: DriveState, now: Date): DriveEvent[] {
  if (state.operations.has(operation_id)) return [];
  needFewOperations(state);
  return [{ type: 'DeletionRequested', data: { drive, operation_id, path, scope, by, at: now.toISOString() } }];
}

/** An upload that nobody ended counts as failed: the process that carried it was killed, or its client would not delete. */
function isGuarded(state: DriveState, { path, by, upSince }: Command<'UseGuard'>, now: Date): boolean {
  const guard = state.guards.get(path);
  // Time in which no deletion could come does not count, if it was short.
  const wasDown = guard !== undefined && upSince.getTime() - guard.until <= MAX_DOWN_MS;
  if (guard?.by === by && now.getTime() <= Math.max(guard.until, wasDown ? upSince.getTime() + GUARD_MS : 0)) return true;
  return uploadsAt(state, path).some((upload) => upload.guardsDelete && upload.by === by && now.getTime() <= Date.parse(upload.expiresAt));
}

function requestTransfer({ drive, operationId: operation_id, transfer, path, by, quotaBytes }: Command<'Transfer'>, state: DriveState, now: Date): DriveEvent[] {
  if (state.operations.has(operation_id)) return [];
  needFewOperations(state);
  const { held, kind, to, folder, shallow, replaces } = transfer;
  needRoom(state, held, held, quotaBytes);
  return [{ type: 'TransferRequested', data: { drive, operation_id, kind, path, to, folder, shallow, replaces, held_bytes: held, by, at: now.toISOString() } }];
}

function needFewOperations({ operations }: DriveState): void {
  if (operations.size >= MAX_OPEN_OPERATIONS) throw new Problem('rate_limited', `${MAX_OPEN_OPERATIONS} deletions and transfers of this drive are under way.`, { retry_after_seconds: 5 });
}

function countDeleted({ drive, operationId, files, completes }: Command<'CountDeleted'>, state: DriveState, now: Date): DriveEvent[] {
  const operation = openOperation(state, operationId);
  const at = now.toISOString();
  const open = uploadsByPath(state);
  let bytes = 0;
  const uploads: string[] = [];
  for (const file of files) {
    const others = open.get(file.path) ?? [];
    bytes += others[0]?.counted ?? file.bytes;
    uploads.push(...others.map(({ id }) => id));
  }
  const deleted: DriveEvent = { type: 'FilesDeleted', data: { drive, operation_id: operationId, path: operation.path, files: files.length, bytes, uploads, at } };
  return [...(files.length > 0 ? [deleted] : []), ...(completes === null ? [] : [completed(drive, operation, operation.kind === 'delete' ? files.length : 0, completes, at)])];
}

function countCopied({ drive, operationId, files, next }: Command<'CountCopied'>, state: DriveState, now: Date): DriveEvent[] {
  const transfer = openTransfer(state, operationId);
  const at = now.toISOString();
  const open = uploadsByPath(state);
  let bytes = 0;
  const uploads: { upload_id: string; counts: number }[] = [];
  for (const file of files) {
    const others = open.get(file.path) ?? [];
    bytes += file.bytes - (others[0]?.counted ?? file.replaced);
    uploads.push(...others.map(({ id }) => ({ upload_id: id, counts: file.bytes })));
  }
  const step = { drive, operation_id: operationId, path: transfer.to, at };
  return [
    ...(files.length > 0 ? [{ type: 'FilesCopied', data: { ...step, files: files.length, bytes, uploads } } as const] : []),
    ...(next === 'copied' ? [{ type: 'TransferCopied', data: step } as const] : []),
    ...(next === 'exact' || next === 'inexact' ? [completed(drive, transfer, files.length, next, at)] : []),
  ];
}

function completed(drive: DriveId, operation: OpenOperation, lastFiles: number, completion: Completion, at: string): DriveEvent {
  const done = { drive, operation_id: operation.id, path: operation.path, files: operation.files + lastFiles, exact: completion === 'exact', at };
  if (operation.kind === 'delete') return { type: 'DeletionCompleted', data: { ...done, scope: operation.scope } };
  const { kind, to, folder, shallow, replaces } = operation;
  return { type: 'TransferCompleted', data: { ...done, kind, to, folder, shallow, created: !replaces } };
}

function openUpload(state: DriveState, id: string): OpenUpload {
  const upload = state.uploads.get(id);
  if (upload === undefined) throw new Problem('upload_not_found');
  return upload;
}

function openOperation(state: DriveState, id: string): OpenOperation {
  const operation = state.operations.get(id);
  if (operation === undefined) throw new Error(`no operation ${id} is open`);
  return operation;
}

function openTransfer(state: DriveState, id: string): OpenTransfer {
  const operation = openOperation(state, id);
  if (operation.kind === 'delete') throw new Error(`operation ${id} is a deletion`);
  return operation;
}

function reserved(state: DriveState, data: EventData<'UploadReserved'>): DriveState {
  const others = uploadsAt(state, data.path);
  const counted = others[0]?.counted ?? data.was?.size ?? 0;
  const uploads = new Map(state.uploads);
  for (const other of others) uploads.set(other.id, { ...other, contended: true });
  uploads.set(data.upload_id, {
    id: data.upload_id, path: data.path, way: data.way, size: data.size, contentType: data.content_type, was: data.was, counted, held: Math.max(0, (data.size ?? 0) - counted),
    contended: others.length > 0, by: data.by, guardsDelete: data.guards_delete, storeUploadId: null, partBytes: data.part_bytes, expiresAt: data.expires_at, reservedAt: data.at,
  });
  // What was found there may have been counted already, or not yet.
  return { ...state, uploads, isDoubtful: state.isDoubtful || [...state.operations.values()].some((operation) => touches(operation, data.path)) };
}

function touches(operation: OpenOperation, path: string): boolean {
  return [operation.path, ...(operation.kind === 'delete' ? [] : [operation.to])].some((root) => root === '' || path === root || path.startsWith(`${root}/`));
}

function changeUpload(state: DriveState, id: string, change: (upload: OpenUpload) => Partial<OpenUpload>): DriveState {
  const upload = state.uploads.get(id);
  return upload === undefined ? state : { ...state, uploads: new Map(state.uploads).set(id, { ...upload, ...change(upload) }) };
}

function withoutUpload(state: DriveState, id: string): DriveState {
  const uploads = new Map(state.uploads);
  uploads.delete(id);
  return { ...state, uploads };
}

/** The drive counts so many bytes more; `paths` of these uploads count something else now. */
function count(state: DriveState, bytes: number, paths?: ReadonlyMap<string, number>): DriveState {
  const usedBytes = Math.max(0, state.usedBytes + bytes);
  if (paths === undefined || paths.size === 0) return { ...state, usedBytes };
  const uploads = new Map(state.uploads);
  for (const [id, counted] of paths) {
    const upload = uploads.get(id);
    if (upload !== undefined) uploads.set(id, { ...upload, counted, contended: true, held: Math.max(0, (upload.size ?? 0) - counted) });
  }
  return { ...state, usedBytes, uploads };
}

/** `work`: the kind of operation whose files these are. `bytes`: room that is no longer held, but used. */
function stepped(state: DriveState, id: string, files: number, work: 'delete' | 'copy', bytes = 0): DriveState {
  const operation = state.operations.get(id);
  if (operation === undefined) return state;
  const isWork = (operation.kind === 'delete') === (work === 'delete');
  const next = { ...operation, files: operation.files + (isWork ? files : 0), steps: operation.steps + 1 };
  if (next.kind !== 'delete') next.held = Math.max(0, next.held - bytes);
  return { ...state, operations: new Map(state.operations).set(id, next) };
}

function inPhase(state: DriveState, id: string, phase: OpenTransfer['phase']): DriveState {
  return { ...state, operations: new Map(state.operations).set(id, { ...openTransfer(state, id), phase }) };
}

function guardsWith(state: DriveState, path: string, by: number | null, at: string): DriveState['guards'] {
  const now = Date.parse(at);
  return new Map([...state.guards].filter(([, { until }]) => until >= now - MAX_DOWN_MS)).set(path, { by, until: now + GUARD_MS });
}

/** One deletion is enough: the next one is meant. */
function unguarded(state: DriveState, path: string, by: number | null): DriveState {
  const guards = new Map(state.guards);
  guards.delete(path);
  const uploads = new Map(state.uploads);
  for (const upload of uploadsAt(state, path)) if (upload.by === by) uploads.set(upload.id, { ...upload, guardsDelete: false });
  return { ...state, guards, uploads };
}

function uploadsAt({ uploads }: DriveState, path: string): OpenUpload[] {
  return [...uploads.values()].filter((upload) => upload.path === path);
}

function uploadsByPath({ uploads }: DriveState): Map<string, OpenUpload[]> {
  const byPath = new Map<string, OpenUpload[]>();
  for (const upload of uploads.values()) byPath.set(upload.path, [...(byPath.get(upload.path) ?? []), upload]);
  return byPath;
}
