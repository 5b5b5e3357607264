/** Deletes, copies, moves, makes folders: looks whether it can be, records it, and waits for it as long as the caller does. */
import { derivedId, objectKey, parentOf, Problem, type Asked, type DeleteFiles, type DriveId, type FoundObject, type MakeFolder, type MessageMeta, type RegisterFile, type TransferFiles } from '@kgpu/contracts';
import { checkKey } from '@kgpu/object-store';
import type { Bucket } from '../drive/bucket.ts';
import type { DriveAccess } from '../drive/drive-access.ts';
import type { DriveRecord } from '../drive/drive-record.ts';
import type { OpenDeletion } from '../drive/drive.ts';
import type { Locks } from '../lock/locks.ts';
import { answerWithin, type Operations } from './operations.ts';

type Deletion = Asked<typeof DeleteFiles>;
type Transfer = Asked<typeof TransferFiles>;

const DEFAULT_DEADLINE_MS = 5_000;

export interface FilesTools {
  record: DriveRecord;
  bucket: Bucket;
  access: DriveAccess;
  locks: Locks;
  operations: Operations;
  quotaBytes: number;
  /** Business time at which the service began to answer. */
  upSince: Date;
}

interface Deleted {
  deleted: number;
  guarded: boolean;
  position: number;
}

export class Files {
  constructor(private readonly tools: FilesTools) {}

  delete(asked: Deletion, meta: MessageMeta): Promise<Deleted> {
    return answerWithin(deadlineOf(meta), this.#delete(asked, meta));
  }

  transfer(asked: Transfer, meta: MessageMeta): Promise<{ created: boolean; position: number }> {
    return answerWithin(deadlineOf(meta), this.#transfer(asked, meta));
  }

  async #delete(asked: Deletion, meta: MessageMeta): Promise<Deleted> {
    const { drive, path, by, command_id } = asked;
    const { record, access, locks, operations } = this.tools;
    await access.mayWrite(drive, by);
    if (path === '' && asked.scope !== 'drive') throw new Problem('invalid_path', 'The whole drive is deleted only where that is meant.');
    const operationId = derivedId('delete', drive, command_id);
    const options = { commitId: command_id, requestId: meta.request_id };
    if (asked.may_be_guarded) {
      const used = await record.record({ type: 'UseGuard', drive, path, by, upSince: this.tools.upSince }, options);
      if (used.events.some(({ type }) => type === 'DeleteGuarded')) return { deleted: 0, guarded: true, position: used.position };
    }
    if ((await record.committed(drive, command_id)) === null) {
      const scope = await this.#scopeOf(asked);
      await locks.check(drive, { path: asked.scope === 'drive' ? '' : path, change: 'tree', submitted: asked.lock_tokens, by });
      if (scope === null) return { deleted: 0, guarded: false, position: (await record.load(drive)).position };
      await record.record({ type: 'Delete', drive, operationId, path: asked.scope === 'drive' ? '' : path, scope, by }, options);
    }
    const { data, position } = await operations.completed(drive, operationId);
    return { deleted: data.files, guarded: false, position };
  }

  async makeFolder({ command_id, drive, path, by, lock_tokens: submitted }: Asked<typeof MakeFolder>, requestId: string): Promise<number> {
    const { record, bucket, access, locks } = this.tools;
    await access.mayWrite(drive, by);
    const before = await record.committed(drive, command_id);
    if (before !== null) return before.position;
    if (path === '') throw new Problem('file_exists');
    const [file, isFolder, hasParent] = await Promise.all([bucket.head(drive, path), bucket.isFolder(drive, path), bucket.isFolder(drive, parentOf(path)!)]);
    if (file !== null || isFolder) throw new Problem('file_exists');
    if (!hasParent) throw new Problem('conflict', 'The folder that it would lie in is missing.');
    await locks.check(drive, { path, change: 'member', submitted, by });
    // The store is the truth of what there is: a folder that is recorded but not there would be worse than the other way round.
    await bucket.makeFolder(drive, path);
    const { position } = await record.record({ type: 'MakeFolder', drive, path, by }, { commitId: command_id, requestId });
    return position;
  }

  /** Null: nothing is there. An object with exactly this key counts before what lies below it, and that is fixed before anything goes. */
  async #scopeOf({ drive, path, scope }: Deletion): Promise<OpenDeletion['scope'] | null> {
    const { bucket } = this.tools;
    if (scope === 'file' && (await bucket.head(drive, path)) !== null) return 'file';
    const { files } = await bucket.page(drive, scope === 'drive' ? '' : `${path}/`, null, 1);
    if (files.length === 0) return null;
    return scope === 'drive' ? 'drive' : 'folder';
  }

  async #transfer(asked: Transfer, meta: MessageMeta): Promise<{ created: boolean; position: number }> {
    const { drive, path, by, command_id } = asked;
    const { record, access, operations, quotaBytes } = this.tools;
    await access.mayWrite(drive, by);
    const operationId = derivedId('transfer', drive, command_id);
    if ((await record.committed(drive, command_id)) === null) {
      const transfer = await this.#plan(asked);
      await record.record({ type: 'Transfer', drive, operationId, transfer, path, by, quotaBytes }, { commitId: command_id, requestId: meta.request_id });
    }
    const completed = await operations.completed(drive, operationId);
    if (completed.type !== 'TransferCompleted') throw new Problem('internal_error');
    if (completed.data.files === 0 && !completed.data.folder) throw new Problem('file_not_found', 'The file was deleted meanwhile.');
    return { created: completed.data.created, position: completed.position };
  }

  /** What is to be done, by what is there now. */
  async #plan({ drive, path, to, kind, overwrite, shallow, lock_tokens: submitted, by }: Transfer) {
    const { bucket, locks } = this.tools;
    if (isWithin(to, path) || isWithin(path, to)) throw new Problem('forbidden', 'Source and target must not lie in each other.');
    const [source, isFolder, target, targetIsFolder, hasParent] = await Promise.all([
      bucket.head(drive, path), bucket.isFolder(drive, path), bucket.head(drive, to), bucket.isFolder(drive, to), bucket.isFolder(drive, parentOf(to)!),
    ]);
    if (source === null && !isFolder) throw new Problem('file_not_found');
    const replaces = target !== null || targetIsFolder;
    if (replaces && !overwrite) throw new Problem('precondition_failed', 'Something has the name of the target.');
    if (!hasParent) throw new Problem('conflict', 'The folder of the target is missing.');
    if (kind === 'move') await locks.check(drive, { path, change: 'tree', submitted, by });
    await locks.check(drive, { path: to, change: 'tree', submitted, by });
    const folder = source === null;
    const held = folder && shallow ? 0 : (await this.#bytes(drive, path, source, to)) - (replaces && kind === 'copy' ? await this.#bytes(drive, to, target, to) : 0);
    return { kind, to, folder, shallow, replaces, held: kind === 'move' ? 0 : Math.max(0, held) };
  }

  /** Of a file, or of all that lies below the path. Throws `invalid_path` where something would get too long a key at `to`. */
  async #bytes(drive: DriveId, path: string, file: FoundObject | null, to: string): Promise<number> {
    if (file !== null) return file.size;
    let bytes = 0;
    for await (const page of this.tools.bucket.pages(drive, `${path}/`)) {
      for (const found of page) {
        bytes += found.size;
        checkKey(objectKey(drive, to + found.path.slice(path.length)));
      }
    }
    return bytes;
  }

  async register({ command_id, drive, path, by }: Asked<typeof RegisterFile>, requestId: string): Promise<FoundObject & { at: string; position: number }> {
    const { record, bucket, access } = this.tools;
    await access.mayWrite(drive, by);
    const found = await bucket.head(drive, path);
    if (found === null) throw new Problem('file_not_found');
    const { events, position } = await record.record({ type: 'Register', drive, path, size: found.size, etag: found.etag, by }, { commitId: command_id, requestId });
    const [event] = events;
    if (event?.type !== 'FileRegistered') throw new Problem('internal_error');
    return { ...found, size: event.data.size, etag: event.data.etag, at: event.data.at, position };
  }
}

function isWithin(path: string, folder: string): boolean {
  return folder === '' || path === folder || path.startsWith(`${folder}/`);
}

function deadlineOf(meta: MessageMeta): number {
  return meta.deadline_ms ?? DEFAULT_DEADLINE_MS;
}
