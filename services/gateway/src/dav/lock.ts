/** LOCK and UNLOCK: write locks, so that macOS and Windows mount for writing and two editors don't overwrite each other. */
import { encodeDrivePath, LockPath, RefreshLock, UnlockPath, type DavLock } from '@kgpu/contracts';
import { writable, type DrivePlace } from '../drives/drive-access.ts';
import { Result } from '../http/result.ts';
import { checkIf } from './conditions.ts';
import { DAV_ROOT, reachedBy, type DavParts, type DavRequest } from './dav-request.ts';
import { depthIn } from './headers/depth.ts';
import { externalPrefix } from './headers/destination.ts';
import { invalidHeader } from './headers/invalid-header.ts';
import { lockTokenIn, timeoutSecondsIn } from './headers/timeout.ts';
import { lockedInside } from './locked-inside.ts';
import { lockDiscovery } from './replies/lock-elements.ts';
import { propBody, XML_TYPE } from './replies/multistatus.ts';
import { parseLock, type LockRequest } from './requests/lock-request.ts';
import { readXmlBody } from './xml/read-body.ts';

export async function lock(request: DavRequest, parts: DavParts): Promise<Result> {
  const place = writable(request.place);
  const wanted = parseLock(await readXmlBody(request.bytes));
  const tokens = await checkIf(request, parts);
  return wanted === null ? refresh(request, parts, place, tokens) : take(request, parts, place, wanted, tokens);
}

async function take(request: DavRequest, parts: DavParts, { drive, path, by }: DrivePlace, { scope, owner }: LockRequest, lock_tokens: string[]): Promise<Result> {
  const { headers } = request;
  const depth = depthIn(headers, ['0', 'infinity']) as '0' | 'infinity';
  const command = { command_id: request.commandId, drive, path, by, lock_tokens, depth, scope, owner, timeout_seconds: timeoutSecondsIn(headers) };
  try {
    const taken = await parts.parts.ask(LockPath, command, request);
    return told(taken.lock, request, parts, taken.created ? 201 : 200, { 'lock-token': `<${taken.lock.token}>` });
  } catch (error) {
    return lockedInside(error, request, parts, [path]);
  }
}

async function refresh(request: DavRequest, parts: DavParts, { drive, path, by }: DrivePlace, [token, ...more]: string[]): Promise<Result> {
  if (token === undefined || more.length > 0) throw invalidHeader('A LOCK without a body refreshes the one lock whose token is in If.');
  const timeout_seconds = timeoutSecondsIn(request.headers);
  const refreshed = await parts.parts.ask(RefreshLock, { command_id: request.commandId, drive, path, by, token, timeout_seconds }, request);
  return told(refreshed.lock, request, parts, 200);
}

export async function unlock(request: DavRequest, parts: DavParts): Promise<Result> {
  const { drive, path, by } = writable(request.place);
  await parts.parts.ask(UnlockPath, { command_id: request.commandId, drive, path, by, token: lockTokenIn(request.headers) }, request);
  return new Result(null, 204);
}

function told(taken: DavLock, request: DavRequest, parts: DavParts, status: number, headers: Record<string, string> = {}): Result {
  const root = externalPrefix(reachedBy(request, parts)) + DAV_ROOT;
  const discovery = lockDiscovery([taken], parts.clock.now(), (path) => root + encodeDrivePath(path));
  return new Result(propBody(`<D:lockdiscovery>${discovery}</D:lockdiscovery>`), status, { 'content-type': XML_TYPE, ...headers });
}
