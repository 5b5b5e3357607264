/** Uploads in parts that a client puts into the store itself, over days: what is there, where the rest goes, and their end. */
import { objectKey, Problem, type Asked, type CompleteUpload, type DriveId, type GetUpload, type ReplyOf } from '@kgpu/contracts';
import type { StoredPart, Upload } from '@kgpu/object-store';
import type { ServiceContext } from '@kgpu/runtime';
import { isChanged, type Bucket } from '../drive/bucket.ts';
import type { DriveAccess } from '../drive/drive-access.ts';
import type { DriveRecord } from '../drive/drive-record.ts';
import type { OpenUpload } from '../drive/drive.ts';
import { partCount, sizeOfPart } from './part-size.ts';
import { driveOfUpload, viewUpload } from './upload-id.ts';
import type { Confirmed, Uploads } from './uploads.ts';

/** A part may take as long as this to begin; whoever comes later asks again. */
const URL_SECONDS = 3_600;
const MAX_NAMED = 100;
/** An answer on the bus has 1 MiB at most, and URLs of long keys are long. */
const MAX_URL_CHARACTERS = 400_000;

type OpenParts = OpenUpload & { size: number; partBytes: number; storeUploadId: string };

export class PartUploads {
  readonly #completing = new Map<string, Promise<Confirmed>>();

  constructor(
    private readonly context: ServiceContext,
    private readonly record: DriveRecord,
    private readonly bucket: Bucket,
    private readonly access: DriveAccess,
    private readonly uploads: Uploads,
  ) {}

  /** Throws `upload_not_found`, also for somebody else's, and where it has ended. */
  async get({ upload_id, by, from, count }: Asked<typeof GetUpload>): Promise<ReplyOf<typeof GetUpload>> {
    const { drive, upload } = await this.#open(upload_id, by);
    const stored = new Map((await this.#stored(drive, upload)).map((part) => [part.part_number, part]));
    const total = partCount(upload.size, upload.partBytes);
    const parts: ReplyOf<typeof GetUpload>['parts'] = [];
    for (let number = from, characters = 0; number <= total && parts.length < count && characters < MAX_URL_CHARACTERS; number++) {
      const part = this.#part(drive, upload, number, stored.get(number));
      characters += part.url.length;
      parts.push(part);
    }
    return {
      upload: viewUpload(drive, upload),
      parts,
      part_count: total,
      uploaded_bytes: [...stored.values()].reduce((sum, { size }) => sum + size, 0),
    };
  }

  /** Makes the parts the file. Throws `invalid_request` with those that are missing, `locked`: the upload goes on then. */
  async complete({ upload_id, by }: Asked<typeof CompleteUpload>): Promise<Confirmed & { drive: DriveId; path: string }> {
    const drive = driveOfUpload(upload_id);
    const before = await this.record.committed(drive, `confirm:${upload_id}`);
    const event = before?.events[0];
    if (event?.type === 'UploadConfirmed') {
      await this.access.mayWrite(drive, by);
      return { drive, path: event.data.path, size: event.data.size, etag: event.data.etag, position: before!.position };
    }
    const { upload } = await this.#open(upload_id, by);
    await this.uploads.checkUnlocked(drive, upload.path, by);
    const completing = this.#completing.get(upload_id) ?? this.#complete(drive, upload).finally(() => this.#completing.delete(upload_id));
    this.#completing.set(upload_id, completing);
    return { drive, path: upload.path, ...(await completing) };
  }

  async abort(uploadId: string, by: number): Promise<number> {
    const drive = driveOfUpload(uploadId);
    const released = await this.record.committed(drive, `release:${uploadId}`);
    if (released !== null) return released.position;
    await this.#open(uploadId, by);
    return this.uploads.release(drive, uploadId, 'aborted');
  }

  async #complete(drive: DriveId, upload: OpenParts): Promise<Confirmed> {
    const { etag } = await this.#assemble(drive, upload);
    return this.uploads.confirm(drive, upload.id, { size: upload.size, etag });
  }

  async #assemble(drive: DriveId, upload: OpenParts): Promise<{ etag: string }> {
    try {
      const stored = await this.bucket.store.uploads.listParts(nameOf(drive, upload));
      needAll(upload, stored);
      return await this.bucket.store.uploads.complete(nameOf(drive, upload), stored);
    } catch (error) {
      if (!(error instanceof Problem && error.code === 'upload_not_found')) throw error;
      // Completed before a crash: then the file is there.
      const found = await this.bucket.head(drive, upload.path);
      if (found !== null && isChanged(upload.was, found) && found.size === upload.size) return found;
      throw error;
    }
  }

  async #open(uploadId: string, by: number): Promise<{ drive: DriveId; upload: OpenParts }> {
    const drive = driveOfUpload(uploadId);
    const upload = (await this.record.load(drive)).state.uploads.get(uploadId);
    if (upload === undefined || upload.way !== 'parts' || upload.by !== by) throw new Problem('upload_not_found');
    await this.access.mayWrite(drive, by);
    if (upload.storeUploadId === null) throw new Problem('object_store_unavailable', 'The upload is still being begun.', { retry_after_seconds: 1 });
    return { drive, upload: upload as OpenParts };
  }

  async #stored(drive: DriveId, upload: OpenParts): Promise<StoredPart[]> {
    return this.bucket.store.uploads.listParts(nameOf(drive, upload), { deadlineMs: 4_000 });
  }

  /** URLs are of the wall clock: they end when the upload does, or in an hour. */
  #part(drive: DriveId, upload: OpenParts, number: number, stored: StoredPart | undefined): ReplyOf<typeof GetUpload>['parts'][number] {
    const size = sizeOfPart(number, upload.size, upload.partBytes);
    const left = Math.ceil((Date.parse(upload.expiresAt) - this.context.clock.now().getTime()) / 1_000);
    const { url, headers, expires_in } = this.bucket.store.uploads.presignPart(nameOf(drive, upload), number, { size, expiresSeconds: Math.min(Math.max(1, left), URL_SECONDS) });
    return { part_number: number, size, etag: stored?.size === size ? stored.etag : null, url, headers, expires_in };
  }
}

function nameOf(drive: DriveId, { path, storeUploadId }: OpenParts): Upload {
  return { key: objectKey(drive, path), upload_id: storeUploadId };
}

function needAll({ size, partBytes }: OpenParts, stored: readonly StoredPart[]): void {
  const sizes = new Map(stored.map((part) => [part.part_number, part.size]));
  const missing: number[] = [];
  for (let number = 1; number <= partCount(size, partBytes); number++) if (sizes.get(number) !== sizeOfPart(number, size, partBytes)) missing.push(number);
  if (missing.length === 0) return;
  throw new Problem('invalid_request', `${missing.length} parts are not there yet.`, {
    missing_parts: missing.length, errors: missing.slice(0, MAX_NAMED).map((number) => ({ pointer: `/parts/${number}`, message: 'is not there, or has another size' })),
  });
}
