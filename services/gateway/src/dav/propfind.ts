/** PROPFIND: what a file or folder is like and, with depth 1, what lies in the folder. However long, it is sent as it is made. */
import { encodeDrivePath, Problem } from '@kgpu/contracts';
import { SHARED_FOLDER, type DrivePlace, type OrgsPlace } from '../drives/drive-access.ts';
import type { Entry, EntryPage } from '../drives/drive-reader.ts';
import { Result } from '../http/result.ts';
import { DAV_ROOT, hrefOf, reachedBy, type DavParts, type DavRequest } from './dav-request.ts';
import { depthIn } from './headers/depth.ts';
import { externalPrefix } from './headers/destination.ts';
import { errorBody, multistatus, streamMultistatus, takesGzip, XML_TYPE } from './replies/multistatus.ts';
import { needsOf, teller, type DavResource } from './replies/properties-of.ts';
import { parsePropfind, type PropfindRequest } from './requests/propfind-request.ts';
import { lookUpKept, NOTHING_KEPT, resourceOf } from './resources.ts';
import { readXmlBody } from './xml/read-body.ts';
import { escapeText } from './xml/write-xml.ts';

type Tell = (resource: DavResource) => string;

export async function propfind(request: DavRequest, parts: DavParts): Promise<Result> {
  const depth = depthIn(request.headers, ['0', '1', 'infinity']);
  if (depth === 'infinity') return new Result(errorBody('<D:propfind-finite-depth/>'), 403, { 'content-type': XML_TYPE });
  const asked = parsePropfind(await readXmlBody(request.bytes));
  const root = externalPrefix(reachedBy(request, parts)) + DAV_ROOT;
  const tell = teller(asked, { now: parts.clock.now(), hrefOf: (path) => root + encodeDrivePath(path) });
  const { place } = request;
  return place.kind === 'orgs' ? tellOrgs(request, parts, place, depth, tell) : tellDrive(request, parts, { place, depth, asked, tell });
}

/** The folder of the caller's orgs: small, and made of nothing that is stored. */
function tellOrgs(request: DavRequest, parts: DavParts, { orgs }: OrgsPlace, depth: '0' | '1', tell: Tell): Result {
  if (orgs.length === 0) throw new Problem('file_not_found');
  const href = escapeText(hrefOf(request, parts, true));
  const inside = depth === '0' ? [] : orgs.map(({ slug }) => tell(resourceOf({ kind: 'folder', path: slug }, `${href}${slug}/`, NOTHING_KEPT, false)));
  return xml(multistatus([tell(resourceOf({ kind: 'folder', path: SHARED_FOLDER }, href, NOTHING_KEPT, false)), ...inside]));
}

async function tellDrive(request: DavRequest, parts: DavParts, { place, depth, asked, tell }: { place: DrivePlace; depth: '0' | '1'; asked: PropfindRequest; tell: Tell }): Promise<Result> {
  const { drive, path, isFolder } = place;
  const entry = await parts.reader.stat(drive, path, { isFolder, withType: depth === '0' });
  if (entry === null) throw new Problem('file_not_found');
  const isOwn = place.refusal === null;
  const deep = depth === '1' && entry.kind === 'folder';
  // Nobody but WebDAV writes properties and locks, and it writes to one's own drive only.
  const kept = isOwn ? await lookUpKept(parts.parts, request, { drive, path, depth: deep ? 1 : 0 }, needsOf(asked)) : NOTHING_KEPT;
  const href = escapeText(hrefOf(request, parts, entry.kind === 'folder'));
  const tellEntry = (each: Entry, at: string): string => tell(resourceOf(each, at, kept, isOwn));
  const self = tellEntry(entry, href);
  if (!deep) return xml(multistatus([self]));
  const hide = isOwn && path === '' ? SHARED_FOLDER : null;
  const tellPage = ({ entries }: EntryPage): string => {
    let told = '';
    for (const each of entries) if (each.path !== hide) told += tellEntry(each, hrefIn(href, each));
    return told;
  };
  const first = await parts.reader.list(drive, path, { once: true });
  const shared = hide !== null && parts.access.sharedDrives(request.caller).orgs.length > 0
    ? tell(resourceOf({ kind: 'folder', path: SHARED_FOLDER }, `${href}${SHARED_FOLDER}/`, NOTHING_KEPT, false)) : '';
  async function* rest(): AsyncGenerator<string> {
    for (let cursor = first.next_cursor; cursor !== null;) {
      const page: EntryPage = await parts.reader.list(drive, path, { once: true, cursor });
      yield tellPage(page);
      cursor = page.next_cursor;
    }
  }
  const gzip = takesGzip(request.headers['accept-encoding']);
  const body = streamMultistatus(self + shared + tellPage(first), rest(), gzip);
  return xml(body, gzip ? { 'content-encoding': 'gzip' } : {});
}

/** Where an entry of a folder lies. */
function hrefIn(folder: string, { kind, path }: Entry): string {
  return `${folder}${encodeDrivePath(path.slice(path.lastIndexOf('/') + 1))}${kind === 'folder' ? '/' : ''}`;
}

function xml(body: unknown, headers: Record<string, string> = {}): Result {
  return new Result(body, 207, { 'content-type': XML_TYPE, vary: 'accept-encoding', ...headers });
}
