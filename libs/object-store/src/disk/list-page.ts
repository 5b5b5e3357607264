import { Problem } from '@kgpu/contracts';
import type { ListOptions, ListPage } from '../object-store.ts';
import type { DiskIndex } from './disk-index.ts';
import { toInfo } from './disk-info.ts';

/** Where to go on: behind a key, or at the first key that can follow a folder. */
interface Place {
  from: string;
  inclusive: boolean;
}

/** One page of the index. A folder costs one look-up, however much lies in it. */
export function listPage(index: DiskIndex, { prefix = '', delimiter, cursor, limit = 1_000 }: ListOptions): ListPage {
  const page: ListPage = { objects: [], prefixes: [], next_cursor: null };
  let place: Place | null = cursor === undefined ? { from: prefix, inclusive: true } : parseCursor(cursor, prefix);
  let left = limit;
  while (place !== null) place = fill(place);
  return page;

  /** Takes entries from this place on; where to look next, or null when the page is full or nothing is left. */
  function fill(start: Place): Place | null {
    let last = start;
    for (const object of index.scan(start.from, start.inclusive)) {
      if (!object.key.startsWith(prefix)) return null;
      if (left === 0) {
        page.next_cursor = formatCursor(last);
        return null;
      }
      left -= 1;
      const slash = delimiter === undefined ? -1 : object.key.indexOf(delimiter, prefix.length);
      if (slash !== -1) {
        const folder = object.key.slice(0, slash + 1);
        page.prefixes.push(folder);
        return behindFolder(folder);
      }
      page.objects.push(toInfo(object));
      last = { from: object.key, inclusive: false };
    }
    return null;
  }
}

/** `0` is the character after the slash. */
function behindFolder(folder: string): Place {
  return { from: `${folder.slice(0, -1)}0`, inclusive: true };
}

function formatCursor({ from, inclusive }: Place): string {
  return Buffer.from(`${inclusive ? '=' : '>'}${from}`).toString('base64url');
}

function parseCursor(cursor: string, prefix: string): Place {
  const text = Buffer.from(cursor, 'base64url').toString();
  const place = { from: text.slice(1), inclusive: text[0] === '=' };
  const isOurs = formatCursor(place) === cursor && place.from.startsWith(prefix);
  if (!isOurs) throw new Problem('invalid_request', 'The cursor is not one of this listing');
  return place;
}
