/** Uploads from the room that is held for them to the fact that they have come, or have not. */
import { objectKey, ownerOf, Problem, type Asked, type DriveEvent, type DriveId, type FoundObject, type GrowUpload, type ReservedUpload, type ReserveUpload } from '@kgpu/contracts';
import type { ServiceContext } from '@kgpu/runtime';
import { isChanged, type Bucket } from '../drive/bucket.ts';
import type { DriveAccess } from '../drive/drive-access.ts';
import type { DriveRecord } from '../drive/drive-record.ts';
import { driveDecider, type NewUpload, type OpenUpload } from '../drive/drive.ts';
import type { Locks } from '../lock/locks.ts';
import { partBytes, partBytesOfStream } from './part-size.ts';
import { uploadIdOf, viewUpload } from './upload-id.ts';

type Reservation = Asked<typeof ReserveUpload>;

export interface Confirmed {
  size: number;
  etag: string;
  position: number;
}

const MAX_PUT_BYTES = 5 * 1024 ** 3;
const MAX_OBJECT_BYTES = 5 * 1024 ** 4;
const BEGIN_MS = 2_200;
/** Refusals after which a deletion is refused as well: it need not be guarded against. */
const refusesDeletion = new Set(['org_not_found', 'role_required', 'forbidden']);

export class Uploads {
  constructor(
    private readonly context: ServiceContext,
    private readonly record: DriveRecord,
    private readonly bucket: Bucket,
    private readonly access: DriveAccess,
    private readonly locks: Locks,
    /** Told of a drive whose figures may be wrong. */
    private readonly suspect: (drive: DriveId) => void,
  ) {}

  async reserve(asked: Reservation, requestId: string): Promise<{ upload: ReservedUpload; position: number }> {
    try {
      return await this.#reserve(asked, requestId);
    } catch (error) {
      if (asked.guards_delete && error instanceof Problem && !refusesDeletion.has(error.code)) await this.#refuse(asked, error, requestId);
      throw error;
    }
  }

  async grow({ command_id, drive, upload_id, size }: Asked<typeof GrowUpload>, requestId: string): Promise<number> {
    const quotaBytes = this.context.config.KGPU_USER_QUOTA_BYTES;
    const { position } = await this.record.record({ type: 'Grow', drive, uploadId: upload_id, size, quotaBytes }, { commitId: command_id, requestId });
    return position;
  }

  /** Parts may come for days; whoever has locked the path meanwhile keeps it. @throws Problem `locked` */
  checkUnlocked(drive: DriveId, path: string, by: number): Promise<void> {
    return this.locks.check(drive, { path, change: 'content', submitted: [], by });
  }

  /** Whoever confirms it, and how often: the first answer is everybody's. */
  async confirm(drive: DriveId, uploadId: string, told: { size: number | null; etag: string | null }, requestId?: string): Promise<Confirmed> {
    const before = await this.#confirmed(drive, uploadId);
    if (before !== null) return before;
    const upload = (await this.record.load(drive)).state.uploads.get(uploadId);
    if (upload === undefined) return this.#confirmLate(drive, uploadId, told);
    const look = upload.contended || told.etag === null ? await this.bucket.head(drive, upload.path) : undefined;
    const { size, etag } = told.etag === null ? landed(upload, look ?? null, told.size) : { size: told.size ?? upload.size ?? look?.size ?? 0, etag: told.etag };
    const foundBytes = look === undefined ? null : (look?.size ?? 0);
    const options = { commitId: `confirm:${uploadId}`, ...(requestId !== undefined && { requestId }) };
    try {
      const handled = await this.record.record({ type: 'Confirm', drive, uploadId, size, etag, foundBytes }, options);
      return confirmedBy(handled.events, handled.position) ?? { size, etag, position: handled.position };
    } catch (error) {
      // Released since it was looked at.
      if (error instanceof Problem && error.code === 'upload_not_found') return this.#confirmLate(drive, uploadId, told);
      throw error;
    }
  }

  /** A repeat does nothing, and neither does the release of what has been confirmed. */
  async release(drive: DriveId, uploadId: string, reason: string, requestId?: string): Promise<number> {
    const upload = (await this.record.load(drive)).state.uploads.get(uploadId);
    const options = { commitId: `release:${uploadId}`, ...(requestId !== undefined && { requestId }) };
    const { position } = await this.record.record({ type: 'Release', drive, uploadId, reason }, options);
    if (upload !== undefined) await this.#abortParts(drive, upload);
    return position;
  }

  async #reserve(asked: Reservation, requestId: string): Promise<{ upload: ReservedUpload; position: number }> {
    const { drive, path, by } = asked;
    await this.access.mayWrite(drive, by);
    checkSize(asked);
    const uploadId = uploadIdOf(drive, asked.command_id);
    const repeated = await this.record.committed(drive, asked.command_id);
    const was = repeated === null ? await this.#lookAt(asked) : null;
    const quotaBytes = this.context.config.KGPU_USER_QUOTA_BYTES;
    const upload: NewUpload = {
      uploadId, path, way: asked.way, size: asked.size, contentType: asked.content_type, was, by, guardsDelete: asked.guards_delete, partBytes: partBytesFor(asked, quotaBytes),
      expiresAt: new Date(this.context.clock.now().getTime() + asked.expires_seconds * 1_000),
    };
    const handled = await this.record.record({ type: 'Reserve', drive, upload, quotaBytes }, { commitId: asked.command_id, requestId });
    const open = handled.state.uploads.get(uploadId) ?? openedBy(handled.events, uploadId);
    const needsParts = open?.partBytes !== null && open?.storeUploadId === null;
    if (open === undefined || (needsParts && !handled.state.uploads.has(uploadId))) throw new Problem('upload_not_found', 'The upload is over.');
    return needsParts ? this.#begin(drive, open) : { upload: viewUpload(drive, open), position: handled.position };
  }

  /** What the path has now. Throws the problem that keeps the upload from coming there. */
  async #lookAt({ drive, path, create_only, if_match, lock_tokens: submitted, by }: Reservation): Promise<FoundObject | null> {
    if (path === '') throw new Problem('conflict', 'The drive itself is a folder.');
    const [was, isFolder] = await Promise.all([this.bucket.head(drive, path), this.bucket.isFolder(drive, path)]);
    if (isFolder && was === null) throw new Problem('conflict', 'A folder has this name.');
    await this.locks.check(drive, { path, change: was === null ? 'member' : 'content', submitted, by });
    if (create_only && was !== null) throw new Problem('precondition_failed', 'A file has this name already.');
    if (if_match !== null && (was === null || (if_match !== '*' && if_match !== was.etag))) throw new Problem('precondition_failed', 'The file is another one by now.');
    return was;
  }

  /** The fact was first: whatever happens here, somebody knows that there may be an upload in the store. */
  async #begin(drive: DriveId, upload: OpenUpload): Promise<{ upload: ReservedUpload; position: number }> {
    const key = objectKey(drive, upload.path);
    try {
      const begun = await this.bucket.store.uploads.begin(key, { ...(upload.contentType !== null && { contentType: upload.contentType }), deadlineMs: BEGIN_MS });
      const { state, position } = await this.record.record({ type: 'Begin', drive, uploadId: upload.id, storeUploadId: begun.upload_id }, { commitId: `begin:${upload.id}` });
      const open = state.uploads.get(upload.id);
      // Somebody repeated the command at the same time and was faster.
      if (open?.storeUploadId !== begun.upload_id) await this.bucket.store.uploads.abort(begun);
      if (open === undefined) throw new Problem('upload_not_found');
      return { upload: viewUpload(drive, open), position };
    } catch (error) {
      await this.release(drive, upload.id, error instanceof Problem ? error.code : 'internal_error');
      throw error;
    }
  }

  async #refuse({ command_id, drive, path, by }: Reservation, { code }: Problem, requestId: string): Promise<void> {
    await this.record.record({ type: 'Refuse', drive, path, by, code }, { commitId: `refuse:${command_id}`, requestId });
  }

  async #confirmed(drive: DriveId, uploadId: string): Promise<Confirmed | null> {
    const found = await this.record.committed(drive, `confirm:${uploadId}`);
    return found === null ? null : confirmedBy(found.events, found.position);
  }

  /** It came after its room had been given up: it counts when the bucket is looked through, which is soon. */
  async #confirmLate(drive: DriveId, uploadId: string, told: { size: number | null; etag: string | null }): Promise<Confirmed> {
    const released = await this.record.committed(drive, `release:${uploadId}`);
    const event = released?.events.find(({ type }) => type === 'UploadReleased');
    if (event?.type !== 'UploadReleased') throw new Problem('upload_not_found');
    const found = await this.bucket.head(drive, event.data.path);
    if (found === null) throw new Problem('file_not_found', 'The upload has not come.');
    this.suspect(drive);
    return { size: told.size ?? found.size, etag: told.etag ?? found.etag, position: released!.position };
  }

  /** Without success it is for the sweeper, who aborts what nobody knows. */
  async #abortParts(drive: DriveId, { path, storeUploadId }: OpenUpload): Promise<void> {
    if (storeUploadId === null) return;
    await this.bucket.store.uploads.abort({ key: objectKey(drive, path), upload_id: storeUploadId }, { deadlineMs: BEGIN_MS })
      .catch((error: unknown) => this.context.log.warn({ err: error, drive }, 'the parts of an upload could not be removed yet'));
  }
}

/** What came, by what is at the path. An older object of the same size is not it. Throws `file_not_found`. */
export function landed(upload: OpenUpload, found: FoundObject | null, toldSize: number | null = null): FoundObject {
  const size = toldSize ?? upload.size;
  if (found === null || !isChanged(upload.was, found) || (size !== null && size !== found.size)) throw new Problem('file_not_found', 'The upload has not come.');
  return found;
}

function checkSize({ drive, way, size }: Reservation): void {
  const mayBeUnknown = way === 'streamed_parts' || (way === 'presigned' && 'slug' in ownerOf(drive));
  if (size === null && !mayBeUnknown) throw new Problem('invalid_request', 'The size of the upload must be known.', { errors: [{ pointer: '/size', message: 'is needed' }] });
  const inParts = way === 'parts' || way === 'streamed_parts';
  if ((size ?? 0) > (inParts ? MAX_OBJECT_BYTES : MAX_PUT_BYTES)) {
    throw new Problem('payload_too_large', inParts ? 'A file has 5 TiB at most.' : 'One request takes 5 GiB at most: upload it in parts.');
  }
}

function partBytesFor({ way, size }: Reservation, quotaBytes: number): number | null {
  if (way === 'parts') return partBytes(size ?? 0);
  return way === 'streamed_parts' ? partBytesOfStream(quotaBytes) : null;
}

function confirmedBy(events: readonly DriveEvent[], position: number): Confirmed | null {
  for (const event of events) if (event.type === 'UploadConfirmed') return { size: event.data.size, etag: event.data.etag, position };
  return null;
}

/** An upload that is over by now, as it was reserved. */
function openedBy(events: readonly DriveEvent[], uploadId: string): OpenUpload | undefined {
  return events.reduce((state, event) => driveDecider.evolve(state, event), driveDecider.initial).uploads.get(uploadId);
}
