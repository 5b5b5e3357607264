/** What a request for an object's bytes makes conditional (RFC 9110, 13). */
import type { IncomingHttpHeaders } from 'node:http';
import { parseRange } from './byte-range.ts';
import type { ByteRange } from './byte-range.ts';
import type { ObjectInfo } from './object-store.ts';

type Version = Pick<ObjectInfo, 'etag' | 'modified_at'>;

/** For GET and HEAD; etags count before times (13.2.2). */
export function conditionalStatus(headers: IncomingHttpHeaders, { etag, modified_at }: Version): 200 | 304 | 412 {
  const modified = Date.parse(modified_at);
  const { 'if-match': ifMatch, 'if-none-match': ifNoneMatch } = headers;
  if (ifMatch !== undefined ? !namesEtag(ifMatch, etag) : modified > Date.parse(headers['if-unmodified-since'] ?? '')) return 412;
  if (ifNoneMatch !== undefined) return namesEtag(ifNoneMatch, etag) ? 304 : 200;
  return modified <= Date.parse(headers['if-modified-since'] ?? '') ? 304 : 200;
}

/** The range that is wanted of this version; null when everything is, as when `If-Range` names another one. */
export function rangeAskedFor(headers: IncomingHttpHeaders, { etag, modified_at }: Version): ByteRange | null {
  const range = parseRange(headers.range);
  const ifRange = headers['if-range'];
  const fits = ifRange === undefined || ifRange === `"${etag}"` || Date.parse(ifRange as string) === Date.parse(modified_at);
  return fits ? range : null;
}

/** Whether a list of etags, or `*`, names this one. */
export function namesEtag(header: string, etag: string): boolean {
  return header.split(',').map((tag) => tag.trim().replace(/^W\//, '')).some((tag) => tag === '*' || tag === `"${etag}"` || tag === etag);
}
