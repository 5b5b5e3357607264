/** PROPPATCH: keeps what clients want kept. All or nothing. */
import { ChangeProperties, Problem } from '@kgpu/contracts';
import { writable } from '../drives/drive-access.ts';
import { Result } from '../http/result.ts';
import { checkIf } from './conditions.ts';
import { hrefOf, type DavParts, type DavRequest } from './dav-request.ts';
import { multistatus, propstat, response, XML_TYPE } from './replies/multistatus.ts';
import { isLive } from './replies/properties-of.ts';
import type { PropertyName } from './requests/propfind-request.ts';
import { parseProppatch, type PropertyChanges } from './requests/proppatch-request.ts';
import { readXmlBody } from './xml/read-body.ts';
import { emptyElement, escapeText } from './xml/write-xml.ts';

export async function proppatch(request: DavRequest, parts: DavParts): Promise<Result> {
  const place = writable(request.place);
  const changes = parseProppatch(await readXmlBody(request.bytes));
  const lock_tokens = await checkIf(request, parts);
  const entry = await parts.reader.stat(place.drive, place.path, { isFolder: place.isFolder });
  if (entry === null) throw new Problem('file_not_found');
  const href = escapeText(hrefOf(request, parts, entry.kind === 'folder'));
  const told = (stats: string): Result => new Result(multistatus([response(href, stats)]), 207, { 'content-type': XML_TYPE });
  const guarded = changes.named.filter(isLive);
  if (guarded.length > 0) return told(refused(changes, guarded));
  const { drive, path, by } = place;
  try {
    await parts.parts.ask(ChangeProperties, { command_id: request.commandId, drive, path, by, lock_tokens, set: changes.set, remove: changes.remove }, request);
    return told(propstat(200, elements(changes.named)));
  } catch (error) {
    if (!(error instanceof Problem) || error.code !== 'quota_exceeded') throw error;
    return told(propstat(507, elements(changes.named)));
  }
}

function refused({ named }: PropertyChanges, guarded: PropertyName[]): string {
  const others = named.filter((name) => !guarded.includes(name));
  const protectedOnes = propstat(403, elements(guarded), '<D:cannot-modify-protected-property/>');
  return others.length === 0 ? protectedOnes : protectedOnes + propstat(424, elements(others));
}

function elements(names: PropertyName[]): string {
  return names.map(emptyElement).join('');
}
