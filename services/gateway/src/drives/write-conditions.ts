/** `If-Match` and `If-None-Match` of an upload (RFC 9110, 13.1), asked of what has the path now. */
import { Problem } from '@kgpu/contracts';
import { namesEtag } from '@kgpu/object-store';
import type { IncomingHttpHeaders } from 'node:http';
import type { DrivePlace } from './drive-access.ts';
import type { DriveReader } from './drive-reader.ts';

export interface WriteConditions {
  createOnly: boolean;
  /** Etag that the path must still have when the bytes come. */
  ifMatch: string | null;
}

/** @throws Problem `precondition_failed` */
export async function writeConditions(reader: DriveReader, { drive, path }: DrivePlace, headers: IncomingHttpHeaders): Promise<WriteConditions> {
  const { 'if-match': ifMatch, 'if-none-match': ifNoneMatch } = headers;
  if (ifMatch === undefined && ifNoneMatch === undefined) return { createOnly: false, ifMatch: null };
  const entry = await reader.stat(drive, path, { fresh: true });
  const etag = entry?.kind === 'file' ? entry.etag : null;
  if (ifMatch !== undefined && (etag === null || !namesEtag(ifMatch, etag))) throw new Problem('precondition_failed');
  if (ifNoneMatch !== undefined && etag !== null && namesEtag(ifNoneMatch, etag)) throw new Problem('precondition_failed');
  return { createOnly: ifNoneMatch?.trim() === '*', ifMatch: ifMatch === undefined ? null : etag };
}
