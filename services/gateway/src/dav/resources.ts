/** What a PROPFIND tells of files and folders, put together from the store's entries and what the files service keeps. */
import { GetLocks, GetProperties, GetQuota, type DavLock, type DriveId, type DriveQuota } from '@kgpu/contracts';
import type { Entry } from '../drives/drive-reader.ts';
import type { Asker, Parts } from '../http/parts.ts';
import type { DavResource, Needs } from './replies/properties-of.ts';

/** What the files service keeps of a folder or file, and of what lies in it. */
export interface Kept {
  dead: ReadonlyMap<string, ReadonlyMap<string, string>>;
  locks: readonly DavLock[];
  quota: DriveQuota | null;
}

export const NOTHING_KEPT: Kept = { dead: new Map(), locks: [], quota: null };
const noProperties: ReadonlyMap<string, string> = new Map();

/** Asks only for what is needed, all at once. */
export async function lookUpKept(parts: Parts, asker: Asker, { drive, path, depth }: { drive: DriveId; path: string; depth: 0 | 1 }, needs: Needs): Promise<Kept> {
  const [dead, { locks }, quota] = await Promise.all([
    needs.dead ? allProperties(parts, asker, { drive, path, depth }) : NOTHING_KEPT.dead,
    needs.locks ? parts.ask(GetLocks, { drive, path, depth }, asker) : NOTHING_KEPT,
    needs.quota ? parts.ask(GetQuota, { drive }, asker) : null,
  ]);
  return { dead, locks, quota };
}

async function allProperties(parts: Parts, asker: Asker, of: { drive: DriveId; path: string; depth: 0 | 1 }): Promise<Kept['dead']> {
  const dead = new Map<string, ReadonlyMap<string, string>>();
  for (let after: string | null = null, more = true; more;) {
    const page: { found: { path: string; properties: { name: string; value: string }[] }[]; more: boolean } = await parts.ask(GetProperties, { ...of, after }, asker);
    for (const { path, properties } of page.found) dead.set(path, new Map(properties.map(({ name, value }) => [name, value])));
    after = page.found.at(-1)?.path ?? null;
    more = page.more && after !== null;
  }
  return dead;
}

/** `href`: as the client reached it; a folder's ends in a slash. */
export function resourceOf(entry: Entry, href: string, { dead, locks, quota }: Kept, isWritable: boolean): DavResource {
  const { path } = entry;
  const isFolder = entry.kind === 'folder';
  return {
    href, name: path.slice(path.lastIndexOf('/') + 1), isFolder, isWritable,
    size: isFolder ? 0 : entry.size, modifiedAt: isFolder ? null : entry.modified_at, etag: isFolder ? null : entry.etag, contentType: isFolder ? null : (entry.content_type ?? null),
    dead: dead.size === 0 ? noProperties : (dead.get(path) ?? noProperties),
    locks: locks.length === 0 ? locks : locks.filter((lock) => reaches(lock, path)),
    quota: isFolder ? quota : null,
  };
}

/** Whether a lock is on the path or, by its depth, on a folder above it. */
function reaches({ path: root, depth }: DavLock, path: string): boolean {
  return root === path || (depth === 'infinity' && (root === '' || path.startsWith(`${root}/`)));
}
