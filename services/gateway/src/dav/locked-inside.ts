import { encodeDrivePath, Problem } from '@kgpu/contracts';
import { Result } from '../http/result.ts';
import { DAV_ROOT, reachedBy, type DavParts, type DavRequest } from './dav-request.ts';
import { externalPrefix } from './headers/destination.ts';
import { multistatus, response, statusLine, XML_TYPE } from './replies/multistatus.ts';

/**
 * A change of a whole folder that failed by locks somewhere in it: told for each of those (RFC 4918, 9.6.1). What the request named
 * itself is told by the status alone. Anything else is thrown on.
 */
export function lockedInside(error: unknown, request: DavRequest, parts: DavParts, named: readonly string[]): Result {
  if (!(error instanceof Problem) || error.code !== 'locked') throw error;
  const paths = (error.fields['locked_paths'] ?? []) as string[];
  const inside = paths.filter((path) => named.some((folder) => folder === '' || path.startsWith(`${folder}/`)));
  if (inside.length === 0 || inside.length < paths.length) throw error;
  const root = externalPrefix(reachedBy(request, parts)) + DAV_ROOT;
  const responses = inside.map((path) => response(root + encodeDrivePath(path), statusLine(423)));
  return new Result(multistatus([...responses, response(root + encodeDrivePath(named[0]!), statusLine(424))]), 207, { 'content-type': XML_TYPE });
}
