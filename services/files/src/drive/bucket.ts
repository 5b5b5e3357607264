/** A drive's part of the bucket, by the paths of its files. Every look has a deadline that leaves its asker time to answer. */
import { driveId, drivePrefix, objectKey, type DriveId, type FoundObject } from '@kgpu/contracts';
import type { ListPage, ObjectInfo, ObjectStore } from '@kgpu/object-store';

/** A command makes two looks one after the other at most, and must answer within 5 s. */
const LOOK_MS = 2_200;

export interface FoundFile extends FoundObject {
  path: string;
}

export interface FilePage {
  files: FoundFile[];
  next: string | null;
}

export class Bucket {
  constructor(readonly store: ObjectStore) {}

  /** Null: no object has the path. */
  async head(drive: DriveId, path: string): Promise<FoundObject | null> {
    const info = await this.store.head(objectKey(drive, path), { deadlineMs: LOOK_MS });
    return info === null ? null : foundOf(info);
  }

  /** Something lies below the path, or its marker is there. The drive itself always is a folder. */
  async isFolder(drive: DriveId, path: string): Promise<boolean> {
    if (path === '') return true;
    const { objects } = await this.store.list({ prefix: `${objectKey(drive, path)}/`, limit: 1, deadlineMs: LOOK_MS });
    return objects.length > 0;
  }

  /** Objects whose path begins with `start` (`''`: all of the drive); a folder's marker has a path that ends in a slash. */
  async page(drive: DriveId, start: string, cursor: string | null, limit = 1_000): Promise<FilePage> {
    const { objects, next_cursor } = await this.store.list({ prefix: objectKey(drive, start), limit, ...(limit === 1 && { deadlineMs: LOOK_MS }), ...(cursor !== null && { cursor }) });
    const skip = drivePrefix(drive).length;
    return { files: objects.map((info) => ({ path: info.key.slice(skip), ...foundOf(info) })), next: next_cursor };
  }

  async *pages(drive: DriveId, start: string): AsyncGenerator<FoundFile[], void, void> {
    for (let cursor: string | null = null, first = true; first || cursor !== null; first = false) {
      const page: FilePage = await this.page(drive, start, cursor);
      cursor = page.next;
      if (page.files.length > 0) yield page.files;
    }
  }

  /** Drives that have objects. */
  async drives(): Promise<DriveId[]> {
    const found: DriveId[] = [];
    for (const [prefix, kind] of [['users/', 'user'], ['orgs/', 'org']] as const) {
      for (let cursor: string | null = null, first = true; first || cursor !== null; first = false) {
        const page: ListPage = await this.store.list({ prefix, delimiter: '/', deadlineMs: LOOK_MS, ...(cursor !== null && { cursor }) });
        cursor = page.next_cursor;
        found.push(...page.prefixes.map((folder) => `${kind}-${folder.slice(prefix.length, -1)}`).filter((drive) => driveId.safeParse(drive).success));
      }
    }
    return found;
  }

  /** An empty folder is an empty object whose key ends in a slash. */
  async makeFolder(drive: DriveId, path: string): Promise<void> {
    await this.store.put(`${objectKey(drive, path)}/`, nothing(), 0, { contentType: 'application/x-directory', deadlineMs: LOOK_MS });
  }

  async delete(drive: DriveId, paths: readonly string[]): Promise<void> {
    await this.store.deleteMany(paths.map((path) => objectKey(drive, path)), paths.length === 1 ? { deadlineMs: LOOK_MS } : {});
  }
}

async function* nothing(): AsyncGenerator<Uint8Array, void, void> {}

function foundOf({ size, etag, modified_at }: ObjectInfo): FoundObject {
  return { size, etag, modified_at };
}

/** The path has something else than it had. */
export function isChanged(was: FoundObject | null, now: FoundObject): boolean {
  return was === null || was.etag !== now.etag || was.modified_at !== now.modified_at;
}
