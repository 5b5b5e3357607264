import { Result } from '../http/result.ts';
import type { DavRequest } from './dav-request.ts';

const READING = ['OPTIONS', 'GET', 'HEAD', 'PROPFIND'];
const WRITING = ['PUT', 'POST', 'DELETE', 'PROPPATCH', 'MKCOL', 'MOVE', 'COPY', 'LOCK', 'UNLOCK'];

/** OPTIONS: what can be done here. Class 2 (locks) is what macOS and Windows want before they write. */
export function options({ place }: DavRequest): Result {
  const allow = place.kind === 'drive' && place.refusal === null ? [...READING, ...WRITING] : READING;
  return new Result(null, 200, { dav: '1, 2', 'ms-author-via': 'DAV', allow: allow.join(', '), 'content-length': '0' });
}
