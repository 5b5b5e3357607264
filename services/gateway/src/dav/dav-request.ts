import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { Clock } from '@kgpu/runtime';
import type { DriveAccess, Place } from '../drives/drive-access.ts';
import type { DriveReader } from '../drives/drive-reader.ts';
import type { Asker, Parts } from '../http/parts.ts';
import { externalPrefix, type Reached } from './headers/destination.ts';

/** What the methods of WebDAV work with. */
export interface DavParts {
  parts: Parts;
  reader: DriveReader;
  access: DriveAccess;
  clock: Clock;
  /** The public URL of the settings. */
  apiBase: string | undefined;
}

/** A request for a path of `/v1/files/`, from somebody who may ask. */
export interface DavRequest extends Asker {
  raw: IncomingMessage;
  headers: IncomingHttpHeaders;
  bytes: () => AsyncIterable<Uint8Array>;
  /** As it was sent. */
  rawPath: string;
  place: Place;
  commandId: string;
}

/** Below it lies what WebDAV shows. */
export const DAV_ROOT = '/v1/files/';

export function reachedBy({ headers }: Pick<DavRequest, 'headers'>, { apiBase }: Pick<DavParts, 'apiBase'>): Reached {
  return { host: headers.host, apiBase };
}

/** The path of the request as its client wrote it, with what a proxy takes off; with a slash at its end where a folder is meant. */
export function hrefOf(request: DavRequest, parts: DavParts, isFolder: boolean): string {
  const { rawPath } = request;
  return externalPrefix(reachedBy(request, parts)) + (isFolder && !rawPath.endsWith('/') ? `${rawPath}/` : rawPath);
}
