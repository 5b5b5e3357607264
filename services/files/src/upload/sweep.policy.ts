/**
 * Looks after uploads that nobody ends: those whose time is over are given up, those that only clients know of are looked for, and
 * parts in the store that belong to no upload go.
 */
import { drivePrefix, type DriveId } from '@kgpu/contracts';
import type { BegunUpload } from '@kgpu/object-store';
import type { ServiceContext } from '@kgpu/runtime';
import type { Bucket } from '../drive/bucket.ts';
import type { OpenUpload } from '../drive/drive.ts';
import type { Drives } from '../drive/drives.projection.ts';
import { isOverdue, isUntold, type Settling } from './settling.ts';

const MAX_LOOKS = 500;
const FIRST_LOOK_MS = 10_000;
/** The store's own clock says when an upload was begun; its fact is recorded within seconds. */
const STRAY_AGE_MS = 3_600_000;

export class SweepPolicy {
  readonly #looked = new Map<string, number>();

  constructor(
    private readonly context: ServiceContext,
    private readonly drives: Drives,
    private readonly bucket: Bucket,
    private readonly settling: Settling,
  ) {}

  /** Settles those that are due, the longest waiting first, so many at a time. */
  async look(): Promise<void> {
    const now = this.context.clock.now();
    const due = [...this.#open()].filter(({ upload }) => this.#isDue(upload, now)).sort((a, b) => this.#lastLook(a.upload) - this.#lastLook(b.upload)).slice(0, MAX_LOOKS);
    const byDrive = Map.groupBy(due, ({ drive }) => drive);
    for (const [drive, found] of byDrive) {
      for (const { upload } of found) this.#looked.set(upload.id, now.getTime());
      await this.settling.settle(drive, found.map(({ upload }) => upload));
    }
    this.#forget();
  }

  /** `wallNow`: the store's time is the wall clock's. */
  async removeStrays(wallNow: Date): Promise<void> {
    const before = new Date(wallNow.getTime() - STRAY_AGE_MS);
    for (const prefix of ['users/', 'orgs/']) {
      let found = await this.bucket.store.uploads.list({ before, prefix });
      // So many that strays may lie behind uploads that are known: drive by drive.
      if (found.length >= 1_000) found = (await Promise.all([...this.drives].map(([drive]) => this.bucket.store.uploads.list({ before, prefix: drivePrefix(drive) })))).flat();
      await this.#abortStrays(found);
    }
  }

  async #abortStrays(found: readonly BegunUpload[]): Promise<void> {
    const known = new Set([...this.#open()].map(({ upload }) => upload.storeUploadId));
    for (const upload of found) if (!known.has(upload.upload_id)) await this.bucket.store.uploads.abort(upload);
  }

  /** An upload is looked for again after half the time that it has been under way. */
  #isDue(upload: OpenUpload, now: Date): boolean {
    if (isOverdue(upload, now, this.context.config.KGPU_UPLOAD_GRACE)) return true;
    const age = this.#lastLook(upload) - Date.parse(upload.reservedAt);
    return isUntold(upload) && now.getTime() - this.#lastLook(upload) >= Math.max(FIRST_LOOK_MS, age / 2);
  }

  #lastLook({ id, reservedAt }: OpenUpload): number {
    return this.#looked.get(id) ?? Date.parse(reservedAt);
  }

  *#open(): Iterable<{ drive: DriveId; upload: OpenUpload }> {
    for (const [drive, { state }] of this.drives) for (const upload of state.uploads.values()) yield { drive, upload };
  }

  #forget(): void {
    const open = new Set([...this.#open()].map(({ upload }) => upload.id));
    for (const id of this.#looked.keys()) if (!open.has(id)) this.#looked.delete(id);
  }
}
