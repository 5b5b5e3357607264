/** Whether the `If` header of a request lets it pass, and the lock tokens that it submits. */
import { GetLocks, Problem } from '@kgpu/contracts';
import type { IncomingHttpHeaders } from 'node:http';
import type { DrivePlace, Place } from '../drives/drive-access.ts';
import type { Asker } from '../http/parts.ts';
import { DAV_ROOT, reachedBy, type DavParts } from './dav-request.ts';
import { pathOnThisServer } from './headers/destination.ts';
import { holds, parseIf, submittedTokens, type ConditionList, type ResourceState } from './headers/if-header.ts';

const UNKNOWN: ResourceState = { tokens: new Set(), etag: null };

/** Whatever of a request the header is about. */
export interface Conditional extends Asker {
  headers: IncomingHttpHeaders;
  place: Place;
}

/** @throws Problem `precondition_failed` when no list of it holds, `invalid_header` */
export async function checkIf(request: Conditional, parts: DavParts): Promise<string[]> {
  const lists = parseIf(one(request.headers['if']));
  if (lists.length === 0) return [];
  const states = new Map<string | null, Promise<ResourceState>>();
  for (const list of lists) {
    const state = states.get(list.resource) ?? stateOf(placeOf(list, request, parts), request, parts);
    states.set(list.resource, state);
    if (holds(list, await state)) return submittedTokens(lists);
  }
  throw new Problem('precondition_failed', 'No list of the If header holds.');
}

/** Null: what is no path of the caller's drives has neither locks nor an etag. */
function placeOf({ resource }: ConditionList, request: Conditional, parts: DavParts): DrivePlace | null {
  try {
    if (resource === null) return request.place.kind === 'drive' ? request.place : null;
    const path = pathOnThisServer(resource, reachedBy(request, parts));
    const place = path.startsWith(DAV_ROOT) ? parts.access.inFiles(request.caller, path.slice(DAV_ROOT.length)) : null;
    return place?.kind === 'drive' ? place : null;
  } catch (error) {
    if (error instanceof Problem) return null;
    throw error;
  }
}

async function stateOf(place: DrivePlace | null, request: Conditional, { parts, reader }: DavParts): Promise<ResourceState> {
  if (place === null) return UNKNOWN;
  const { drive, path } = place;
  const [{ locks }, entry] = await Promise.all([parts.ask(GetLocks, { drive, path, depth: 0 }, request), reader.stat(drive, path, { fresh: true })]);
  return { tokens: new Set(locks.map(({ token }) => token)), etag: entry?.kind === 'file' ? `"${entry.etag}"` : null };
}

function one(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header.join(' ') : header;
}
