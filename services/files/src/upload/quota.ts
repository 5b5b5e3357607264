/** The figures of a drive as they are now. */
import type { DriveId, DriveQuota } from '@kgpu/contracts';
import type { ServiceContext } from '@kgpu/runtime';
import { setTimeout as sleep } from 'node:timers/promises';
import type { DriveRecord } from '../drive/drive-record.ts';
import { reservedBytes, type OpenUpload } from '../drive/drive.ts';
import { isUntold, type Settling } from './settling.ts';

/** Who mints many URLs waits for the sweeper with the others. */
const MAX_LOOKS = 200;
const LOOKS_MS = 2_500;

export class Quota {
  constructor(
    private readonly context: ServiceContext,
    private readonly record: DriveRecord,
    private readonly settling: Settling,
  ) {}

  /** Uploads that have landed meanwhile are counted as far as the store answers in time; without it the figures are of the last look. */
  async of(drive: DriveId): Promise<DriveQuota> {
    await this.settle(drive, () => true);
    const { state } = await this.record.load(drive);
    return { used_bytes: state.usedBytes, quota_bytes: this.context.config.KGPU_USER_QUOTA_BYTES, reserved_bytes: reservedBytes(state) };
  }

  /** Looks for uploads under way that nobody tells of. */
  async settle(drive: DriveId, which: (upload: OpenUpload) => boolean): Promise<void> {
    const { state } = await this.record.load(drive);
    const untold = [...state.uploads.values()].filter((upload) => isUntold(upload) && which(upload)).slice(0, MAX_LOOKS);
    if (untold.length === 0) return;
    const settled = this.settling.settle(drive, untold).catch((error: unknown) => this.context.log.warn({ err: error, drive }, 'uploads could not be looked for'));
    await Promise.race([settled, sleep(LOOKS_MS, undefined, { ref: false })]);
  }
}
