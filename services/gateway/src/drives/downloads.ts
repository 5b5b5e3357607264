/** Bytes that go out of a drive: by a URL of the store, or through here for those who can't follow one. */
import { objectKey, Problem, type DriveId } from '@kgpu/contracts';
import { conditionalStatus, rangeAskedFor, type ObjectStore } from '@kgpu/object-store';
import type { IncomingHttpHeaders } from 'node:http';
import { Result } from '../http/result.ts';
import type { ClientAddress } from './client-address.ts';
import type { DriveReader, FileEntry } from './drive-reader.ts';

const URL_SECONDS = 900;
const MAX_ATTEMPTS = 3;

export class Downloads {
  constructor(
    private readonly store: ObjectStore,
    private readonly reader: DriveReader,
    private readonly base: ClientAddress,
  ) {}

  /** Where this client finds the bytes, for a while. */
  url(drive: DriveId, path: string, headers: IncomingHttpHeaders): { url: string; expires_in: number } {
    const url = this.store.presignGet(objectKey(drive, path), { expiresSeconds: URL_SECONDS });
    return { url: this.base.urlFor(url, headers), expires_in: URL_SECONDS };
  }

  redirect(drive: DriveId, path: string, headers: IncomingHttpHeaders): Result {
    return new Result(null, 302, { location: this.url(drive, path, headers).url, 'cache-control': 'no-store', 'content-length': '0' });
  }

  /** The bytes, or the range of them that is asked for. @throws Problem `file_not_found`, `range_not_satisfiable`, `precondition_failed` */
  async stream(drive: DriveId, path: string, headers: IncomingHttpHeaders): Promise<Result> {
    for (let attempt = 1; ; attempt++) {
      const entry = await this.reader.stat(drive, path, { fresh: true, withType: true });
      if (entry?.kind !== 'file') throw new Problem('file_not_found');
      const conditional = answeredByConditions(entry, headers);
      if (conditional !== null) return conditional;
      try {
        return await this.#open(drive, entry, headers);
      } catch (error) {
        // Replaced between the two looks: what the conditions were asked of is gone.
        if (!(error instanceof Problem && error.code === 'precondition_failed') || attempt === MAX_ATTEMPTS) throw error;
      }
    }
  }

  async #open(drive: DriveId, entry: FileEntry, headers: IncomingHttpHeaders): Promise<Result> {
    const wanted = rangeAskedFor(headers, entry);
    const content = await this.store.get(objectKey(drive, entry.path), { ifMatch: entry.etag, ...(wanted !== null && { range: wanted }) });
    if (content === null) throw new Problem('file_not_found');
    const { range, size, body } = content;
    if (range === null) return new Result(body, 200, { ...fileHeaders(entry), 'content-length': String(size) });
    const { first, last } = range;
    return new Result(body, 206, { ...fileHeaders(entry), 'content-length': String(last - first + 1), 'content-range': `bytes ${first}-${last}/${size}` });
  }
}

/** 304 where the client has it already; null when it is to be sent. @throws Problem `precondition_failed` */
export function answeredByConditions(entry: FileEntry, headers: IncomingHttpHeaders): Result | null {
  const status = conditionalStatus(headers, entry);
  if (status === 412) throw new Problem('precondition_failed');
  return status === 304 ? new Result(null, 304, validators(entry)) : null;
}

/** What HEAD says; the answer to a GET has the same. */
export function fileHeaders(entry: FileEntry): Record<string, string> {
  return { ...validators(entry), ...(entry.content_type !== undefined && { 'content-type': entry.content_type }) };
}

/** Files of users are on the gateway's own origin here: no browser may run one as a page with the gateway's cookies. */
function validators({ etag, modified_at }: FileEntry): Record<string, string> {
  return {
    etag: `"${etag}"`, 'last-modified': new Date(modified_at).toUTCString(), 'accept-ranges': 'bytes', 'cache-control': 'private, no-cache',
    'content-security-policy': 'sandbox', 'x-content-type-options': 'nosniff',
  };
}
