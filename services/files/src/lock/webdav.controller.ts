/** What the files service answers about locks and dead properties. */
import {
  ChangeProperties, GetLocks, GetProperties, LockPath, Problem, RefreshLock, UnlockPath, type Asked, type MessageMeta, type ReplyOf,
} from '@kgpu/contracts';
import { Answers } from '@kgpu/runtime';
import { Controller, Inject } from '@nestjs/common';
import { WEBDAV, type Webdav } from './webdav.ts';

@Controller()
export class WebdavController {
  constructor(@Inject(WEBDAV) private readonly webdav: Webdav) {}

  @Answers(LockPath)
  async lock(asked: Asked<typeof LockPath>, meta: MessageMeta): Promise<ReplyOf<typeof LockPath>> {
    await this.webdav.projection.reached(meta.min_position);
    return this.webdav.locking.take(asked, meta.request_id);
  }

  @Answers(RefreshLock)
  async refresh({ command_id, timeout_seconds, ...lock }: Asked<typeof RefreshLock>, meta: MessageMeta): Promise<ReplyOf<typeof RefreshLock>> {
    await this.webdav.projection.reached(meta.min_position);
    await this.webdav.access.mayWrite(lock.drive, lock.by);
    return this.webdav.locks.refresh({ ...lock, timeoutSeconds: timeout_seconds }, { commitId: command_id, requestId: meta.request_id });
  }

  @Answers(UnlockPath)
  async unlock({ command_id, ...lock }: Asked<typeof UnlockPath>, meta: MessageMeta): Promise<ReplyOf<typeof UnlockPath>> {
    await this.webdav.projection.reached(meta.min_position);
    return { position: await this.webdav.locks.unlock(lock, { commitId: command_id, requestId: meta.request_id }) };
  }

  @Answers(GetLocks)
  async getLocks({ drive, path, depth }: Asked<typeof GetLocks>, meta: MessageMeta): Promise<ReplyOf<typeof GetLocks>> {
    await this.webdav.projection.reached(meta.min_position);
    return { locks: this.webdav.view.find(drive, { path, depth }, this.webdav.context.clock.now()) };
  }

  @Answers(ChangeProperties)
  async changeProperties({ command_id, drive, path, by, lock_tokens, set, remove }: Asked<typeof ChangeProperties>, meta: MessageMeta): Promise<ReplyOf<typeof ChangeProperties>> {
    const { projection, access, bucket, locks, propertyRecord } = this.webdav;
    await projection.reached(meta.min_position);
    await access.mayWrite(drive, by);
    if (path !== '' && (await bucket.head(drive, path)) === null && !(await bucket.isFolder(drive, path))) throw new Problem('file_not_found');
    await locks.check(drive, { path, change: 'content', submitted: lock_tokens, by });
    return { position: await propertyRecord.change({ drive, path, set, removed: remove }, { commitId: command_id, requestId: meta.request_id }) };
  }

  @Answers(GetProperties)
  async getProperties({ drive, path, depth, after }: Asked<typeof GetProperties>, meta: MessageMeta): Promise<ReplyOf<typeof GetProperties>> {
    await this.webdav.projection.reached(meta.min_position);
    return this.webdav.properties.page(drive, { path, depth, after });
  }
}
