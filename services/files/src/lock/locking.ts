/** Taking a lock on a path that may not have anything yet. */
import { randomUUID } from 'node:crypto';
import { objectKey, parentOf, Problem, type Asked, type DavLock, type DriveId, type LockPath } from '@kgpu/contracts';
import type { Bucket } from '../drive/bucket.ts';
import type { DriveAccess } from '../drive/drive-access.ts';
import type { Locks, LockOptions } from './locks.ts';

const CREATE_MS = 2_200;

export class Locking {
  constructor(
    private readonly locks: Locks,
    private readonly bucket: Bucket,
    private readonly access: DriveAccess,
  ) {}

  /** Where nothing is, an empty file is made (RFC 4918, 7.3): after the lock, so that nobody else gets it. */
  async take(asked: Asked<typeof LockPath>, requestId: string): Promise<{ lock: DavLock; created: boolean; position: number }> {
    const { drive, path, by, depth, scope, owner, timeout_seconds, lock_tokens: submitted } = asked;
    await this.access.mayWrite(drive, by);
    const isNew = !(await this.#exists(drive, path));
    if (isNew && !(await this.bucket.isFolder(drive, parentOf(path)!))) throw new Problem('conflict', 'The folder that it would lie in is not there.');
    const lock = { token: `opaquelocktoken:${randomUUID()}`, path, depth: isNew ? '0' as const : depth, scope, owner, by, timeout_seconds };
    const options = { commitId: asked.command_id, requestId };
    const taken = await this.locks.take({ drive, lock, isNew, submitted }, options);
    if (isNew) await this.#makeEmpty(drive, path, taken.lock, options);
    return { ...taken, created: isNew };
  }

  async #exists(drive: DriveId, path: string): Promise<boolean> {
    return path === '' || (await this.bucket.head(drive, path)) !== null || this.bucket.isFolder(drive, path);
  }

  /** It has no bytes, so it takes no room. A lock without a file would keep its name from everybody for nothing. */
  async #makeEmpty(drive: DriveId, path: string, { token }: DavLock, { commitId, requestId }: LockOptions): Promise<void> {
    try {
      await this.bucket.store.put(objectKey(drive, path), nothing(), 0, { createOnly: true, deadlineMs: CREATE_MS });
    } catch (error) {
      // Somebody was faster: what they made is there.
      if (error instanceof Problem && error.code === 'precondition_failed') return;
      await this.locks.releaseGone(drive, token, { commitId: `unmade:${commitId}`, requestId }).catch(() => undefined);
      throw error;
    }
  }
}

async function* nothing(): AsyncGenerator<Uint8Array> {}
