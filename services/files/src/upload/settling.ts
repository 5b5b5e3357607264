/** Finds out by a look at the bucket what has become of uploads that nobody tells of. */
import { Problem, type DriveId } from '@kgpu/contracts';
import type { ServiceContext } from '@kgpu/runtime';
import type { Bucket } from '../drive/bucket.ts';
import type { OpenUpload } from '../drive/drive.ts';
import { eachOf } from '../operation/each-of.ts';
import { landed, type Uploads } from './uploads.ts';

const LOOKS_AT_ONCE = 16;

export class Settling {
  readonly #underWay = new Map<string, Promise<void>>();

  constructor(
    private readonly context: ServiceContext,
    private readonly uploads: Uploads,
    private readonly bucket: Bucket,
  ) {}

  /** Confirms those that have landed, and gives up those whose time is over. Throws `object_store_unavailable`. */
  async settle(drive: DriveId, uploads: readonly OpenUpload[]): Promise<void> {
    await eachOf(uploads, LOOKS_AT_ONCE, (upload) => this.#once(drive, upload));
  }

  #once(drive: DriveId, upload: OpenUpload): Promise<void> {
    const underWay = this.#underWay.get(upload.id) ?? this.#settleOne(drive, upload).finally(() => this.#underWay.delete(upload.id));
    this.#underWay.set(upload.id, underWay);
    return underWay;
  }

  async #settleOne(drive: DriveId, upload: OpenUpload): Promise<void> {
    const found = await this.bucket.head(drive, upload.path);
    try {
      const { size, etag } = landed(upload, found);
      await this.uploads.confirm(drive, upload.id, { size, etag });
    } catch (error) {
      if (!(error instanceof Problem) || (error.code !== 'file_not_found' && error.code !== 'upload_not_found')) throw error;
      if (isOverdue(upload, this.context.clock.now(), this.context.config.KGPU_UPLOAD_GRACE)) await this.uploads.release(drive, upload.id, 'expired');
    }
  }
}

/** A URL says until when a request may begin; the bytes may take until the grace is over as well. */
export function isOverdue({ expiresAt }: OpenUpload, now: Date, graceMs: number): boolean {
  return now.getTime() > Date.parse(expiresAt) + graceMs;
}

/** Only clients know when these land. */
export function isUntold({ way }: OpenUpload): boolean {
  return way === 'presigned';
}
