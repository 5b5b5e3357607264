import { MakeFolder, Problem } from '@kgpu/contracts';
import { hasBody } from '@kgpu/runtime';
import { writable } from '../drives/drive-access.ts';
import { Result } from '../http/result.ts';
import { checkIf } from './conditions.ts';
import type { DavParts, DavRequest } from './dav-request.ts';

/** MKCOL: 405 when something has the name, 409 when the folder that it is to lie in is missing, 415 with a body: no such is known. */
export async function mkcol(request: DavRequest, parts: DavParts): Promise<Result> {
  if (hasBody(request.raw)) throw new Problem('unsupported_media_type', 'MKCOL takes no body.');
  const { drive, path, by } = writable(request.place);
  if (path === '') throw new Problem('file_exists');
  const lock_tokens = await checkIf(request, parts);
  await parts.parts.ask(MakeFolder, { command_id: request.commandId, drive, path, by, lock_tokens }, request);
  return new Result(null, 201);
}
