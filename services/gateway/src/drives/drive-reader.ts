/** What is in a drive: objects of the bucket, seen as files and folders. */
import { objectKey, drivePrefix, type DriveId } from '@kgpu/contracts';
import type { ListPage, ObjectInfo, ObjectStore } from '@kgpu/object-store';
import type { ObjectHeads } from './object-heads.ts';

export interface FileEntry extends Omit<ObjectInfo, 'key'> {
  kind: 'file';
  /** In its drive. */
  path: string;
}

export interface FolderEntry {
  kind: 'folder';
  /** In its drive, without a slash at its end; `''` is the drive itself. */
  path: string;
}

export type Entry = FileEntry | FolderEntry;

export interface EntryPage {
  entries: Entry[];
  /** Something is there: entries, or the folder's marker. */
  found: boolean;
  next_cursor: string | null;
}

export interface LookOptions {
  /** Only a folder will do. */
  isFolder?: boolean;
  /** The content type matters, which listings of some stores leave out. */
  withType?: boolean;
  /** As it is now, not as it was some seconds ago. */
  fresh?: boolean;
}

export interface PageOptions {
  /** What is listed is not asked for one by one afterwards. */
  once?: boolean;
  cursor?: string | undefined;
  /** 1 to 1,000. */
  limit?: number | undefined;
}

export class DriveReader {
  constructor(
    private readonly store: ObjectStore,
    private readonly heads: ObjectHeads,
  ) {}

  /** The file, or else the folder, of the path; null when there is neither. A folder is there when something lies in it, or its marker. */
  async stat(drive: DriveId, path: string, { isFolder = false, withType = false, fresh = false }: LookOptions = {}): Promise<Entry | null> {
    if (path === '') return { kind: 'folder', path };
    const info = isFolder ? null : await this.heads.head(objectKey(drive, path), { withType, fresh });
    if (info !== null) return fileOf(drivePrefix(drive).length, info);
    const { objects } = await this.store.list({ prefix: `${objectKey(drive, path)}/`, limit: 1 });
    return objects.length === 0 ? null : { kind: 'folder', path };
  }

  /** What lies directly in a folder. @throws Problem `invalid_request` for a wrong cursor */
  async list(drive: DriveId, folder: string, { cursor, limit = 1_000, once = false }: PageOptions = {}): Promise<EntryPage> {
    const prefix = folder === '' ? drivePrefix(drive) : `${objectKey(drive, folder)}/`;
    const asked = { prefix, delimiter: '/', cursor, limit } as const;
    const page = await (once ? this.store.list(asked) : this.#page(asked));
    if (!once) this.heads.listed(prefix, page.objects.length, cursor === undefined);
    const folders = page.prefixes.map((key): FolderEntry => ({ kind: 'folder', path: pathOf(drive, key).slice(0, -1) }));
    return { entries: [...folders, ...filesOf(drive, page.objects)], found: page.objects.length + page.prefixes.length > 0, next_cursor: page.next_cursor };
  }

  /** Every file whose path begins with `prefix`, at any depth. */
  async flat(drive: DriveId, prefix: string, { cursor, limit = 1_000 }: PageOptions = {}): Promise<{ files: FileEntry[]; next_cursor: string | null }> {
    // Nobody asks for each of these one by one: keeping them would push out what mounts have just listed.
    const page = await this.store.list({ prefix: objectKey(drive, prefix), cursor, limit });
    return { files: filesOf(drive, page.objects), next_cursor: page.next_cursor };
  }

  #page(options: Parameters<ObjectStore['list']>[0]): Promise<ListPage> {
    return this.heads.reading(() => this.store.list(options), ({ objects }) => objects);
  }
}

/** Folder markers, 0 bytes with a slash at the end of their keys, are no files. */
function filesOf(drive: DriveId, objects: readonly ObjectInfo[]): FileEntry[] {
  const skip = drivePrefix(drive).length;
  const files: FileEntry[] = [];
  for (const info of objects) if (!info.key.endsWith('/')) files.push(fileOf(skip, info));
  return files;
}

/** Field by field: a listing makes thousands. */
function fileOf(skip: number, { key, size, modified_at, etag, content_type }: ObjectInfo): FileEntry {
  const file: FileEntry = { kind: 'file', path: key.slice(skip), size, modified_at, etag };
  if (content_type !== undefined) file.content_type = content_type;
  return file;
}

function pathOf(drive: DriveId, key: string): string {
  return key.slice(drivePrefix(drive).length);
}
