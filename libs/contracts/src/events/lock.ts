import { z } from 'zod';
import { driveId } from '../drive.ts';
import { instant, userId } from '../shapes.ts';

/** A write lock of WebDAV on a path of a drive, and with depth infinity on all that is below it. */
export const davLock = z.object({
  token: z.string(), path: z.string().max(1_024), depth: z.enum(['0', 'infinity']), scope: z.enum(['exclusive', 'shared']),
  owner: z.string().max(4_096).meta({ description: 'XML of the client' }), by: userId, timeout_seconds: z.int(), expires_at: instant,
});
export type DavLock = z.infer<typeof davLock>;

/** Streams `lock-<drive id>`. A lock ends when it is released, or by itself at `expires_at`. `at` is business time. */
export const lockEvents = {
  PathLocked: z.object({ drive: driveId, lock: davLock, at: instant }),
  LockRefreshed: z.object({ drive: driveId, token: z.string(), timeout_seconds: z.int(), expires_at: instant, at: instant }),
  /** `path_gone`: what it lay on was deleted or moved away. */
  LockReleased: z.object({ drive: driveId, token: z.string(), reason: z.enum(['unlocked', 'path_gone']), at: instant }),
};
