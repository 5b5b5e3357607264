import { describe, expect, it } from '@jest/globals';
import type { DriveEvent, EventData, FoundObject } from '@kgpu/contracts';
import { given } from '@kgpu/event-store/testing';
import { driveDecider, reservedBytes, type DriveCommand, type DriveState, type NewUpload } from './drive.ts';

const drive = 'user-7';
const by = 7;
const start = Date.UTC(2026, 4, 17, 12);
const at = (seconds: number) => new Date(start + seconds * 1_000);
const iso = (seconds: number) => at(seconds).toISOString();
const found = (size: number, etag = `e${size}`): FoundObject => ({ size, etag, modified_at: '2026-05-01T00:00:00Z' });

const reserved = (upload_id: string, path: string, size: number | null, more: Partial<EventData<'UploadReserved'>> = {}): DriveEvent => ({
  type: 'UploadReserved',
  data: { drive, upload_id, path, way: 'streamed', size, content_type: null, was: null, by, guards_delete: false, part_bytes: null, expires_at: iso(60), at: iso(0), ...more },
});
const confirmed = (upload_id: string, path: string, size: number, counts = size): DriveEvent => ({ type: 'UploadConfirmed', data: { drive, upload_id, path, size, etag: 'e', counts, at: iso(1) } });
const released = (upload_id: string, path: string, seconds = 1): DriveEvent => ({ type: 'UploadReleased', data: { drive, upload_id, path, reason: 'cut', at: iso(seconds) } });
const refused = (path: string, seconds = 1): DriveEvent => ({ type: 'UploadRefused', data: { drive, path, by, code: 'quota_exceeded', at: iso(seconds) } });
const guarded = (path: string, seconds: number): DriveEvent => ({ type: 'DeleteGuarded', data: { drive, path, by, at: iso(seconds) } });
const deleting = (operation_id: string, path: string, scope: 'file' | 'folder' = 'file'): DriveEvent => ({ type: 'DeletionRequested', data: { drive, operation_id, path, scope, by, at: iso(0) } });
const copying = (operation_id: string, held_bytes: number, kind: 'copy' | 'move' = 'copy'): DriveEvent => ({
  type: 'TransferRequested', data: { drive, operation_id, kind, path: 'd', to: 'e', folder: true, shallow: false, replaces: false, held_bytes, by, at: iso(0) },
});

const upload = (uploadId: string, path: string, size: number | null, more: Partial<NewUpload> = {}): NewUpload => ({
  uploadId, path, way: 'streamed', size, contentType: null, was: null, by, guardsDelete: false, partBytes: null, expiresAt: at(60), ...more,
});
const reserve = (uploadId: string, path: string, size: number | null, more: Partial<NewUpload> = {}): DriveCommand => ({ type: 'Reserve', drive, upload: upload(uploadId, path, size, more), quotaBytes: 100 });
const confirm = (uploadId: string, size: number, foundBytes: number | null = null): DriveCommand => ({ type: 'Confirm', drive, uploadId, size, etag: 'e', foundBytes });
const useGuard = (path: string, user: number | null = by, upSince = at(-3_600)): DriveCommand => ({ type: 'UseGuard', drive, path, by: user, upSince });

const stateAfter = (events: readonly DriveEvent[]): DriveState => events.reduce((state, event) => driveDecider.evolve(state, event), driveDecider.initial);
const figures = (events: readonly DriveEvent[]) => {
  const state = stateAfter(events);
  return { used: state.usedBytes, held: reservedBytes(state) };
};

describe('room of a drive', () => {
  it('is held for an upload as far as it is larger than what it replaces', () => {
    given(driveDecider, []).when(reserve('u', 'a', 60, { was: found(20) }), at(0)).then([reserved('u', 'a', 60, { was: found(20) })]);
    expect(figures([reserved('u', 'a', 60, { was: found(20) })])).toEqual({ used: 0, held: 40 });
    expect(figures([reserved('u', 'a', 10, { was: found(20) })])).toEqual({ used: 0, held: 0 });
  });

  it('is refused to the byte, with the figures', () => {
    const used = [reserved('u', 'a', 50), confirmed('u', 'a', 50), reserved('v', 'b', 30)];
    given(driveDecider, used).when(reserve('w', 'c', 20), at(0)).then([reserved('w', 'c', 20)]);
    given(driveDecider, used).when(reserve('w', 'c', 21)).thenProblem('quota_exceeded', { used_bytes: 50, quota_bytes: 100, requested_bytes: 21, reserved_bytes: 30 });
  });

  it('is not needed to make a file smaller, though the drive is over its quota', () => {
    const over = [reserved('u', 'a', 90), confirmed('u', 'a', 200)];
    given(driveDecider, over).when(reserve('w', 'a', 150, { was: found(200) }), at(0)).then([reserved('w', 'a', 150, { was: found(200) })]);
    given(driveDecider, over).when(reserve('w', 'b', 1)).thenProblem('quota_exceeded');
    given(driveDecider, over).when(reserve('w', 'b', 0), at(0)).then([reserved('w', 'b', 0)]);
  });

  it('grows with an upload of unknown length, which stays as it was when there is none', () => {
    const stream = reserved('u', 'a', null, { way: 'streamed_parts', was: found(10) });
    const grow = (size: number): DriveCommand => ({ type: 'Grow', drive, uploadId: 'u', size, quotaBytes: 100 });
    const grown: DriveEvent = { type: 'UploadGrown', data: { drive, upload_id: 'u', size: 90, at: iso(2) } };
    given(driveDecider, [stream]).when(grow(90), at(2)).then([grown]);
    expect(figures([stream, grown])).toEqual({ used: 0, held: 80 });
    given(driveDecider, [stream, grown]).when(grow(90)).then([]);
    given(driveDecider, [stream, grown]).when(grow(111)).thenProblem('quota_exceeded', { requested_bytes: 111 });
    given(driveDecider, []).when(grow(1)).thenProblem('upload_not_found');
  });

  it('is free again when the upload is released, once', () => {
    given(driveDecider, [reserved('u', 'a', 5)]).when({ type: 'Release', drive, uploadId: 'u', reason: 'cut' }, at(1)).then([released('u', 'a')]);
    given(driveDecider, [reserved('u', 'a', 5), released('u', 'a')]).when({ type: 'Release', drive, uploadId: 'u', reason: 'cut' }).then([]);
    expect(figures([reserved('u', 'a', 5), released('u', 'a')])).toEqual({ used: 0, held: 0 });
  });

  it('is held for copies until each is counted, and not for moves', () => {
    const copied: DriveEvent = { type: 'FilesCopied', data: { drive, operation_id: 'o', path: 'e', files: 1, bytes: 15, uploads: [], at: iso(1) } };
    expect(figures([copying('o', 40)])).toEqual({ used: 0, held: 40 });
    expect(figures([copying('o', 40), copied])).toEqual({ used: 15, held: 25 });
    given(driveDecider, [copying('o', 40)]).when(reserve('u', 'a', 61)).thenProblem('quota_exceeded');
  });
});

describe('uploads of one path at the same time', () => {
  const both = [reserved('u', 'a', 30, { was: found(10) }), reserved('v', 'a', 20, { was: found(10) })];

  it('count in the end what the path has, whichever is confirmed last', () => {
    const counted = [reserved('x', 'a', 10), confirmed('x', 'a', 10), ...both];
    expect(figures([...counted, confirmed('u', 'a', 30), confirmed('v', 'a', 20)])).toEqual({ used: 20, held: 0 });
    // Both have landed, v after u: a look at the path says 20 each time.
    expect(figures([...counted, confirmed('v', 'a', 20, 20), confirmed('u', 'a', 30, 20)])).toEqual({ used: 20, held: 0 });
  });

  it('are known as contended, so that whoever confirms them looks', () => {
    expect([...stateAfter(both).uploads.values()].map(({ contended }) => contended)).toEqual([true, true]);
    given(driveDecider, both).when(confirm('u', 30, 20), at(1)).then([confirmed('u', 'a', 30, 20)]);
  });

  it('count from nothing when the file is deleted meanwhile', () => {
    const counted = [reserved('x', 'a', 10), confirmed('x', 'a', 10), ...both, deleting('o', 'a')];
    const gone: DriveEvent = { type: 'FilesDeleted', data: { drive, operation_id: 'o', path: 'a', files: 1, bytes: 10, uploads: ['u', 'v'], at: iso(1) } };
    const completed: DriveEvent = { type: 'DeletionCompleted', data: { drive, operation_id: 'o', path: 'a', scope: 'file', files: 1, exact: true, at: iso(1) } };
    // What landed had 30 bytes, but only 10 of them were counted.
    given(driveDecider, counted).when({ type: 'CountDeleted', drive, operationId: 'o', files: [{ path: 'a', bytes: 30 }], completes: 'exact' }, at(1)).then([gone, completed]);
    expect(figures([...counted, gone, completed])).toEqual({ used: 0, held: 50 });
    expect(figures([...counted, gone, completed, confirmed('u', 'a', 30, 0)])).toEqual({ used: 0, held: 20 });
  });
});

describe('a deletion after an upload that failed', () => {
  const failed = [reserved('u', 'a', 5, { guards_delete: true }), released('u', 'a', 10)];

  it('does nothing, for 5 s, once, for the same user and path', () => {
    given(driveDecider, failed).when(useGuard('a'), at(15)).then([guarded('a', 15)]);
    given(driveDecider, failed).when(useGuard('a'), new Date(start + 15_001)).then([]);
    given(driveDecider, failed).when(useGuard('a', 8), at(11)).then([]);
    given(driveDecider, failed).when(useGuard('b'), at(11)).then([]);
    given(driveDecider, [...failed, guarded('a', 11)]).when(useGuard('a'), at(12)).then([]);
  });

  it('does nothing though the service was down in the meantime, if that was short', () => {
    given(driveDecider, failed).when(useGuard('a', by, at(70)), at(75)).then([guarded('a', 75)]);
    given(driveDecider, failed).when(useGuard('a', by, at(70)), at(76)).then([]);
    given(driveDecider, failed).when(useGuard('a', by, at(76)), at(77)).then([]);
  });

  it('does nothing after a refusal, and while the upload has no end', () => {
    given(driveDecider, [refused('a', 10)]).when(useGuard('a'), at(12)).then([guarded('a', 12)]);
    given(driveDecider, [failed[0]!]).when(useGuard('a'), at(50)).then([guarded('a', 50)]);
    given(driveDecider, [failed[0]!]).when(useGuard('a'), at(61)).then([]);
    given(driveDecider, [failed[0]!, guarded('a', 50)]).when(useGuard('a'), at(51)).then([]);
  });

  it('is meant when another upload has succeeded since, or the client never does such a thing', () => {
    given(driveDecider, [...failed, reserved('v', 'a', 5), confirmed('v', 'a', 5)]).when(useGuard('a'), at(12)).then([]);
    given(driveDecider, [reserved('u', 'a', 5), released('u', 'a', 10)]).when(useGuard('a'), at(11)).then([]);
  });
});

describe('an operation', () => {
  it('is recorded once, and completed with what it did in all', () => {
    given(driveDecider, []).when({ type: 'Delete', drive, operationId: 'o', path: 'd', scope: 'folder', by }, at(0)).then([deleting('o', 'd', 'folder')]);
    given(driveDecider, [deleting('o', 'd', 'folder')]).when({ type: 'Delete', drive, operationId: 'o', path: 'd', scope: 'folder', by }).then([]);
    const page: DriveEvent = { type: 'FilesDeleted', data: { drive, operation_id: 'o', path: 'd', files: 1_000, bytes: 5, uploads: [], at: iso(1) } };
    given(driveDecider, [deleting('o', 'd', 'folder'), page]).when({ type: 'CountDeleted', drive, operationId: 'o', files: [], completes: 'exact' }, at(2))
      .then([{ type: 'DeletionCompleted', data: { drive, operation_id: 'o', path: 'd', scope: 'folder', files: 1_000, exact: true, at: iso(2) } }]);
  });

  it('of a move counts the copies as its files, not what it deletes', () => {
    const copied: DriveEvent = { type: 'FilesCopied', data: { drive, operation_id: 'o', path: 'e', files: 2, bytes: 15, uploads: [], at: iso(1) } };
    const gone: DriveEvent = { type: 'FilesDeleted', data: { drive, operation_id: 'o', path: 'd', files: 2, bytes: 15, uploads: [], at: iso(1) } };
    const allCopied: DriveEvent = { type: 'TransferCopied', data: { drive, operation_id: 'o', path: 'e', at: iso(1) } };
    given(driveDecider, [copying('o', 0, 'move'), copied, allCopied, gone]).when({ type: 'Complete', drive, operationId: 'o', completion: 'exact' }, at(2))
      .then([{ type: 'TransferCompleted', data: { drive, operation_id: 'o', kind: 'move', path: 'd', to: 'e', folder: true, shallow: false, created: true, files: 2, exact: true, at: iso(2) } }]);
    expect(figures([copying('o', 0, 'move'), copied, allCopied, gone]).used).toBe(0);
  });
});

describe('a drive', () => {
  const doubtful = (events: readonly DriveEvent[]) => stateAfter(events).isDoubtful;
  const completed = (exact: boolean): DriveEvent => ({ type: 'DeletionCompleted', data: { drive, operation_id: 'o', path: 'd', scope: 'folder', files: 1, exact, at: iso(1) } });

  it('is in doubt after an operation that a crash interrupted, and where uploads met one', () => {
    expect(doubtful([deleting('o', 'd', 'folder'), completed(true)])).toBe(false);
    expect(doubtful([deleting('o', 'd', 'folder'), completed(false)])).toBe(true);
    expect(doubtful([deleting('o', 'd', 'folder'), reserved('u', 'd/a', 5), completed(true)])).toBe(true);
    expect(doubtful([deleting('o', 'd', 'folder'), reserved('u', 'd2', 5), completed(true)])).toBe(false);
    expect(doubtful([copying('o', 0), reserved('u', 'e/a', 5)])).toBe(true);
  });

  it('is in doubt after an upload of which the store did not tell, until it has been compared with the bucket', () => {
    const untold: DriveEvent = { type: 'UploadReleased', data: { drive, upload_id: 'u', path: 'a', reason: 'object_store_unavailable', at: iso(1) } };
    expect(doubtful([reserved('u', 'a', 5), untold])).toBe(true);
    expect(doubtful([reserved('u', 'a', 5), untold, { type: 'DriveReconciled', data: { drive, objects: 0, used_bytes: 0, difference_bytes: 0, at: iso(2) } }])).toBe(false);
  });
});

describe('a reconciliation', () => {
  it('corrects by a difference, so that what is counted meanwhile stays counted', () => {
    const corrected: DriveEvent = { type: 'DriveReconciled', data: { drive, objects: 2, used_bytes: 17, difference_bytes: 7, at: iso(3) } };
    const counted = [reserved('u', 'a', 10), confirmed('u', 'a', 10)];
    given(driveDecider, counted).when({ type: 'Reconcile', drive, objects: 2, differenceBytes: 7 }, at(3)).then([corrected]);
    expect(figures([...counted, reserved('v', 'b', 5), confirmed('v', 'b', 5), corrected]).used).toBe(22);
  });
});
