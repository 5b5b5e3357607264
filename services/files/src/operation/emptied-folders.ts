/**
 * Folders that lose all that is in them. A store of real folders (SeaweedFS) keeps each until its marker is deleted while nothing lies
 * in it any more; everywhere else that is nothing to do.
 */
import type { DriveId } from '@kgpu/contracts';
import type { Bucket, FoundFile } from '../drive/bucket.ts';

const MAX_FOLDERS = 100_000;

export class EmptiedFolders {
  readonly #folders = new Set<string>();

  /** `start`: the folder above which nothing is emptied, with its slash; `''` for the drive. */
  constructor(private readonly start: string) {}

  saw(files: readonly FoundFile[]): void {
    for (const { path } of files) {
      for (let end = path.lastIndexOf('/'); end + 1 >= this.start.length && end > 0; end = path.lastIndexOf('/', end - 1)) {
        const folder = path.slice(0, end + 1);
        if (this.#folders.has(folder) || this.#folders.size >= MAX_FOLDERS) break;
        this.#folders.add(folder);
      }
    }
  }

  /** What lies deeper goes first. */
  async remove(bucket: Bucket, drive: DriveId): Promise<void> {
    const folders = [...this.#folders].sort((a, b) => b.length - a.length);
    if (folders.length > 0) await bucket.delete(drive, folders);
  }
}
