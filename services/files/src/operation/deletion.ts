/** Deletes what a recorded deletion says, page by page. Each page is counted once it is gone. */
import type { DriveId } from '@kgpu/contracts';
import type { Bucket, FoundFile } from '../drive/bucket.ts';
import type { DriveRecord } from '../drive/drive-record.ts';
import type { Completion, OpenDeletion, TouchedFile } from '../drive/drive.ts';
import { EmptiedFolders } from './emptied-folders.ts';
import { completionId } from './operations.ts';

export class Deletion {
  constructor(
    private readonly record: DriveRecord,
    private readonly bucket: Bucket,
  ) {}

  async run(drive: DriveId, operation: OpenDeletion, { completion, signal }: { completion: Completion; signal: AbortSignal }): Promise<void> {
    const { id, path, scope } = operation;
    if (scope === 'file') return this.#one(drive, id, path, completion);
    const start = scope === 'drive' ? '' : `${path}/`;
    let { steps } = operation;
    const folders = new EmptiedFolders(start);
    for (let cursor: string | null = null; ; ) {
      signal.throwIfAborted();
      const page = await this.bucket.page(drive, start, cursor);
      cursor = page.next;
      await this.bucket.delete(drive, page.files.map((file) => file.path));
      folders.saw(page.files);
      if (cursor === null) await folders.remove(this.bucket, drive);
      await this.#count(drive, id, page.files.map(touched), cursor === null ? completionId(id) : `${id}:${steps++}`, cursor === null ? completion : null);
      if (cursor === null) return;
    }
  }

  async #one(drive: DriveId, id: string, path: string, completion: Completion): Promise<void> {
    const found = await this.bucket.head(drive, path);
    if (found !== null) await this.bucket.delete(drive, [path]);
    await this.#count(drive, id, found === null ? [] : [{ path, bytes: found.size }], completionId(id), completion);
  }

  async #count(drive: DriveId, operationId: string, files: readonly TouchedFile[], commitId: string, completes: Completion | null): Promise<void> {
    await this.record.record({ type: 'CountDeleted', drive, operationId, files, completes }, { commitId });
  }
}

export function touched({ path, size }: FoundFile): TouchedFile {
  return { path, bytes: size };
}
