/** MOVE and COPY, of files and of folders with all that is in them, within one's own drive. */
import { Problem, TransferFiles } from '@kgpu/contracts';
import { writable, type DrivePlace } from '../drives/drive-access.ts';
import { Result } from '../http/result.ts';
import { checkIf } from './conditions.ts';
import { DAV_ROOT, reachedBy, type DavParts, type DavRequest } from './dav-request.ts';
import { depthIn, overwriteIn } from './headers/depth.ts';
import { destinationIn } from './headers/destination.ts';
import { lockedInside } from './locked-inside.ts';

/** Big folders take their time; the work goes on when its caller has gone. */
const WORK_MS = 290_000;

export async function transfer(kind: 'copy' | 'move', request: DavRequest, parts: DavParts): Promise<Result> {
  const { headers } = request;
  const source = sourceOf(kind, request);
  const shallow = depthIn(headers, kind === 'move' ? ['infinity'] : ['0', 'infinity']) === '0';
  const overwrite = overwriteIn(headers);
  const target = targetOf(request, parts);
  checkApart(source.path, target.path);
  const lock_tokens = await checkIf(request, parts);
  const command = { command_id: request.commandId, drive: source.drive, path: source.path, to: target.path, by: source.by, kind, overwrite, shallow, lock_tokens };
  try {
    const { created } = await parts.parts.ask(TransferFiles, command, request, WORK_MS);
    return new Result(null, created ? 201 : 204);
  } catch (error) {
    return lockedInside(error, request, parts, [source.path, target.path]);
  }
}

function sourceOf(kind: 'copy' | 'move', { place }: DavRequest): DrivePlace {
  if (kind === 'move' || (place.kind === 'drive' && place.refusal === null)) return writable(place);
  throw new Problem('bad_destination', 'Files of shared drives are not copied here: download and upload them.');
}

function targetOf(request: DavRequest, parts: DavParts): DrivePlace {
  const path = destinationIn(request.headers, reachedBy(request, parts));
  if (!path.startsWith(DAV_ROOT)) throw new Problem('bad_destination', `The destination must lie below ${DAV_ROOT}.`);
  return writable(parts.access.inFiles(request.caller, path.slice(DAV_ROOT.length)));
}

/** Neither may be, or lie in, the other: what is replaced is gone before what replaces it comes. */
function checkApart(from: string, to: string): void {
  const isIn = (path: string, folder: string): boolean => path === folder || folder === '' || path.startsWith(`${folder}/`);
  if (isIn(to, from)) throw new Problem('forbidden', 'Nothing can be moved or copied onto itself or into itself.');
  if (isIn(from, to)) throw new Problem('forbidden', 'The destination is a folder that the source lies in.');
}
