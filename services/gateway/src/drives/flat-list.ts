/** Files of a drive as one flat list, page by page, with a pattern that they must match. */
import { Problem, type DriveId } from '@kgpu/contracts';
import type { DriveReader, FileEntry } from './drive-reader.ts';
import { Glob } from './glob.ts';

/** Pages of the store that one request may cost, and steps of matching. What is left then is found with the cursor. */
const MAX_PAGES = 3;
const MAX_STEPS = 2_000_000;
const STORE_PAGE = 1_000;

export interface FlatQuery {
  prefix: string;
  glob: string | undefined;
  limit: number;
  cursor: string | undefined;
}

/** Where a list goes on: in the page of the store that `store` leads to, after the first `skip` files. */
interface Cursor {
  store: string | null;
  skip: number;
}

export async function flatList(reader: DriveReader, drive: DriveId, { prefix, glob, limit, cursor }: FlatQuery): Promise<{ files: FileEntry[]; next_cursor: string | null }> {
  const pattern = glob === undefined ? null : new Glob(glob);
  // Without a pattern a page of ours is one of the store.
  const pageSize = pattern === null ? Math.min(limit, STORE_PAGE) : STORE_PAGE;
  const files: FileEntry[] = [];
  let place = cursor === undefined ? { store: null, skip: 0 } : parseCursor(cursor);
  for (let pages = 0; pages < MAX_PAGES; pages++) {
    const page = await reader.flat(drive, prefix, { limit: pageSize, ...(place.store !== null && { cursor: place.store }) });
    for (let at = place.skip; at < page.files.length; at++) {
      if (files.length === limit || (pattern !== null && pattern.steps > MAX_STEPS)) return { files, next_cursor: formatCursor({ store: place.store, skip: at }) };
      const file = page.files[at]!;
      if (pattern === null || pattern.matches(file.path)) files.push(file);
    }
    if (page.next_cursor === null) return { files, next_cursor: null };
    place = { store: page.next_cursor, skip: 0 };
    if (files.length === limit) break;
  }
  return { files, next_cursor: formatCursor(place) };
}

function formatCursor({ store, skip }: Cursor): string {
  return skip === 0 ? store! : Buffer.from(JSON.stringify([store, skip])).toString('base64url') + IN_PAGE;
}

/** Cursors of stores are base64url, so none ends in this. */
const IN_PAGE = '~';

function parseCursor(text: string): Cursor {
  if (!text.endsWith(IN_PAGE)) return { store: text, skip: 0 };
  try {
    const [store, skip] = JSON.parse(Buffer.from(text.slice(0, -1), 'base64url').toString()) as [unknown, unknown];
    if ((store === null || typeof store === 'string') && Number.isInteger(skip) && (skip as number) > 0) return { store, skip: skip as number };
  } catch {
    // Not ours, as said below.
  }
  throw new Problem('invalid_request', 'The cursor is not one of this list.', { errors: [{ pointer: '/query/cursor', message: 'must be next_cursor of the page before' }] });
}
