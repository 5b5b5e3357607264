/** The properties of files and folders, and the part of a multistatus that tells them. */
import type { DavLock, DriveQuota } from '@kgpu/contracts';
import { keyOf, type PropertyName, type PropfindRequest } from '../requests/propfind-request.ts';
import { emptyElement, escapeText } from '../xml/write-xml.ts';
import { httpDate } from './http-date.ts';
import { lockDiscovery, SUPPORTED_LOCKS } from './lock-elements.ts';
import { propstat, response } from './multistatus.ts';

/** A file or folder as WebDAV shows it. */
export interface DavResource {
  /** Percent-encoded, as the client reached it; a folder's ends in a slash. */
  href: string;
  name: string;
  isFolder: boolean;
  size: number;
  modifiedAt: string | null;
  /** Without quotes. */
  etag: string | null;
  contentType: string | null;
  dead: ReadonlyMap<string, string>;
  locks: readonly DavLock[];
  /** False below `shared/`: nothing can be locked there. */
  isWritable: boolean;
  /** Of a folder, when it was asked for. */
  quota: DriveQuota | null;
}

/** What a reply needs beside the resources. */
export interface Telling {
  now: Date;
  /** Where a lock's path lies for the client. */
  hrefOf: (path: string) => string;
}

type Live = (resource: DavResource, telling: Telling) => string | null;
const file = (read: (resource: DavResource) => string | null): Live => (resource) => (resource.isFolder ? null : read(resource));
const quota = (read: (quota: DriveQuota) => number): Live => (resource) => (resource.quota === null ? null : String(read(resource.quota)));

/** By name in `DAV:`. Null: this resource has no such property. */
const live: Readonly<Record<string, Live>> = {
  resourcetype: ({ isFolder }) => (isFolder ? '<D:collection/>' : ''),
  displayname: ({ name }) => escapeText(name),
  getcontentlength: file(({ size }) => String(size)),
  getcontenttype: file(({ contentType }) => (contentType === null ? null : escapeText(contentType))),
  getetag: file(({ etag }) => (etag === null ? null : escapeText(`"${etag}"`))),
  getlastmodified: ({ modifiedAt }) => (modifiedAt === null ? null : httpDate(modifiedAt)),
  supportedlock: ({ isWritable }) => (isWritable ? SUPPORTED_LOCKS : ''),
  lockdiscovery: ({ locks }, { now, hrefOf }) => lockDiscovery(locks, now, hrefOf),
  'quota-used-bytes': quota(({ used_bytes }) => used_bytes),
  'quota-available-bytes': quota(({ used_bytes, reserved_bytes, quota_bytes }) => Math.max(0, quota_bytes - used_bytes - reserved_bytes)),
};

/** Told when they are asked for by name only (RFC 4331, 3). */
const byNameOnly = new Set(['quota-used-bytes', 'quota-available-bytes']);

/** Clients can't change it: the server makes it. */
export function isLive({ namespace, local }: PropertyName): boolean {
  return namespace === 'DAV:' && (Object.hasOwn(live, local) || local === 'creationdate' || local === 'getcontentlanguage');
}

/** What must be looked up for a request. */
export interface Needs {
  quota: boolean;
  locks: boolean;
  dead: boolean;
}

export function needsOf(request: PropfindRequest): Needs {
  if (request.kind === 'names') return { quota: false, locks: false, dead: true };
  const named = request.kind === 'some' ? request.wanted : request.also;
  const asks = (test: (local: string) => boolean): boolean => named.some(({ namespace, local }) => namespace === 'DAV:' && test(local));
  const all = request.kind === 'all';
  return { quota: asks((local) => byNameOnly.has(local)), locks: all || asks((local) => local === 'lockdiscovery'), dead: all || named.some((name) => !isLive(name)) };
}

/** Made once per request, then called for every resource. */
export function teller(request: PropfindRequest, telling: Telling): (resource: DavResource) => string {
  switch (request.kind) {
    case 'some':
      return someTeller(request.wanted, telling);
    case 'names':
      return (resource) => response(resource.href, propstat(200, namesOf(resource, telling)));
    case 'all':
      return allTeller(request.also, telling);
  }
}

const usual = Object.keys(live).filter((local) => !byNameOnly.has(local)).map((local) => ({ open: `<D:${local}>`, close: `</D:${local}>`, empty: `<D:${local}/>`, read: live[local]! }));

function allTeller(included: readonly PropertyName[], telling: Telling): (resource: DavResource) => string {
  const also = included.filter((name) => !isLive(name) || byNameOnly.has(name.local));
  const asked = new Set(also.map(keyOf));
  return (resource) => {
    let found = '';
    for (const { open, close, empty, read } of usual) {
      const text = read(resource, telling);
      if (text !== null) found += text === '' ? empty : open + text + close;
    }
    if (resource.dead.size > 0) for (const [key, value] of resource.dead) if (!asked.has(key)) found += value;
    return also.length === 0 ? response(resource.href, propstat(200, found)) : someTeller(also, telling, found)(resource);
  };
}

/** Runs for each of thousands of files: what does not depend on the file is made before. */
function someTeller(wanted: readonly PropertyName[], telling: Telling, before = ''): (resource: DavResource) => string {
  const readers = wanted.map((name) => ({
    key: keyOf(name), empty: emptyElement(name), open: `<D:${name.local}>`, close: `</D:${name.local}>`,
    read: name.namespace === 'DAV:' && Object.hasOwn(live, name.local) ? live[name.local]! : null,
  }));
  return (resource) => {
    let found = before;
    let missing = '';
    for (const { key, empty, open, close, read } of readers) {
      const text = read === null ? null : read(resource, telling);
      if (text !== null) found += text === '' ? empty : open + text + close;
      else {
        const dead = read === null ? resource.dead.get(key) : undefined;
        if (dead === undefined) missing += empty;
        else found += dead;
      }
    }
    return response(resource.href, (found === '' && missing !== '' ? '' : propstat(200, found)) + (missing === '' ? '' : propstat(404, missing)));
  };
}

function namesOf(resource: DavResource, telling: Telling): string {
  const has = Object.keys(live).filter((local) => live[local]!(resource, telling) !== null).map((local) => emptyElement({ namespace: 'DAV:', local }));
  const dead = [...resource.dead.keys()].map((key) => emptyElement(nameOf(key)));
  return [...has, ...dead].join('');
}

/** `{namespace}local` */
export function nameOf(key: string): PropertyName {
  const end = key.lastIndexOf('}');
  return { namespace: key.slice(1, end), local: key.slice(end + 1) };
}
