/** PUT, POST and DELETE of paths. */
import { DeleteFiles, Problem, RegisterFile, type routes } from '@kgpu/contracts';
import { hasBody } from '@kgpu/runtime';
import type { Conditional } from '../dav/conditions.ts';
import type { Parts } from '../http/parts.ts';
import { invalidRequest } from '../http/parse-input.ts';
import { Result } from '../http/result.ts';
import type { ClientBase } from './client-base.ts';
import { deletesAfterFailure, followsPut } from './clients.ts';
import { writable, type DrivePlace, type Place } from './drive-access.ts';
import type { DriveReader } from './drive-reader.ts';
import type { DriveGiven } from './drive-scope.ts';
import { MAX_PUT_BYTES, type Uploads, type UploadTarget } from './uploads.ts';
import { writeConditions } from './write-conditions.ts';

type Post = DriveGiven<typeof routes.postFile> | DriveGiven<typeof routes.postShared>;
type Put = DriveGiven<typeof routes.putFile> | DriveGiven<typeof routes.putShared>;
type Delete = DriveGiven<typeof routes.deleteFiles> | DriveGiven<typeof routes.deleteShared>;

/** A deletion waits for the store: a thousand files a second or so. */
const DELETE_MS = 120_000;

export class DriveChanges {
  constructor(
    private readonly parts: Parts,
    private readonly reader: DriveReader,
    private readonly uploads: Uploads,
    private readonly base: ClientBase,
    /** The lock tokens that a request submits, if it may pass. */
    private readonly checkIf: (request: Conditional) => Promise<string[]>,
  ) {}

  async put(place: Place, given: Put): Promise<Result> {
    const target = await this.#target(place, given);
    if (followsPut(given.headers['user-agent']) && target.ifMatch === null && target.size !== null && target.size <= MAX_PUT_BYTES) {
      const { url } = await this.uploads.redirect(target, orderOf(given));
      return new Result(null, 307, { location: this.base.urlFor(url, given.headers), connection: 'close', 'cache-control': 'no-store' });
    }
    const { etag, replaced } = await this.uploads.stream(target, orderOf(given), given.bytes);
    return new Result(null, replaced ? 204 : 201, { etag: `"${etag}"` });
  }

  async post(place: Place, given: Post): Promise<Result> {
    if (given.query.multipart) return this.#begin(place, given);
    if (!hasBody(given.request)) return this.#mint(place, given);
    const target = await this.#target(place, given);
    const { etag, size, replaced } = await this.uploads.stream(target, orderOf(given), given.bytes);
    return new Result({ path: target.path, size, etag }, replaced ? 200 : 201, { etag: `"${etag}"` });
  }

  async delete(place: Place, given: Delete): Promise<Result> {
    const { drive, path, by, isFolder } = writable(place);
    const isAll = path === '';
    if (isAll && given.query.confirm !== 'all') throw invalidRequest([{ pointer: '/query/confirm', message: 'must be all to delete the whole drive' }]);
    const { deleted, guarded } = await this.parts.ask(DeleteFiles, {
      command_id: given.command.id, drive, path, by, lock_tokens: await this.checkIf({ ...given, place }),
      scope: isAll ? 'drive' : isFolder ? 'folder' : 'file', may_be_guarded: deletesAfterFailure(given.headers['user-agent']),
    }, given, DELETE_MS);
    if (guarded) return new Result(null, 204);
    if (deleted === 0 && !isAll) throw new Problem('file_not_found');
    return new Result({ deleted });
  }

  async register(place: Place, given: DriveGiven<typeof routes.registerShared>): Promise<Result> {
    const { drive, path, by } = fileIn(writable(place));
    const { size, etag, registered_at } = await this.parts.ask(RegisterFile, { command_id: given.command.id, drive, path, by }, given);
    return new Result({ size, etag, registered_at });
  }

  async #mint(place: Place, given: Post): Promise<Result> {
    const target = await this.#announced(place, given);
    if (target.size === null && target.drive.startsWith('user-')) throw missingSize();
    if ((target.size ?? 0) > MAX_PUT_BYTES) throw new Problem('payload_too_large', 'One PUT takes 5 GiB at most: upload it in parts (`multipart=1`).');
    const { url, ...how } = await this.uploads.mint(target, orderOf(given));
    return new Result({ url: this.base.urlFor(url, given.headers), ...how }, 200, { 'cache-control': 'no-store' }, false);
  }

  async #begin(place: Place, given: Post): Promise<Result> {
    if (given.caller.kind === 'rental') throw new Problem('forbidden', 'The token of a rental does not reach /v1/uploads. Send the file with PUT: it may have any size.');
    const target = await this.#announced(place, given);
    if (target.size === null) throw missingSize();
    const upload = await this.uploads.begin(target, orderOf(given));
    return new Result(upload, 201, { location: `/v1/uploads/${upload.upload_id}` });
  }

  /** Size and type as they are announced for later. */
  async #announced(place: Place, given: Post): Promise<UploadTarget> {
    const { 'x-content-length': size = null, 'x-content-type': contentType = null } = given.fields;
    return { ...(await this.#target(place, given)), size, contentType };
  }

  async #target(place: Place, given: Put | Post): Promise<UploadTarget> {
    const { headers } = given;
    // Taken for the whole, it would leave the end of a file in its place (RFC 9110, 14.5).
    if (headers['content-range'] !== undefined) throw invalidRequest([{ pointer: '/headers/content-range', message: 'is not taken: a file is written as a whole' }]);
    const to = fileIn(writable(place));
    const { drive, path, by } = to;
    const conditions = await writeConditions(this.reader, to, headers);
    return {
      drive, path, by, ...conditions, size: lengthOf(given), contentType: typeOf(headers['content-type']),
      lockTokens: await this.checkIf({ ...given, place }), guardsDelete: deletesAfterFailure(headers['user-agent']),
    };
  }
}

function orderOf(given: Put | Post) {
  return { caller: given.caller, requestId: given.requestId, commandId: given.command.id };
}

function missingSize(): Problem {
  return invalidRequest([{ pointer: '/headers/x-content-length', message: 'is needed: the size of the file' }]);
}

function fileIn(place: DrivePlace): DrivePlace {
  if (place.isFolder) throw new Problem('invalid_path', 'The path of a file does not end in a slash.');
  return place;
}

/** Null for a body that comes in chunks. */
function lengthOf({ headers }: Put | Post): number | null {
  return headers['transfer-encoding'] === undefined ? Number(headers['content-length'] ?? 0) : null;
}

/** What curl says when nobody told it better is no type of a file. */
function typeOf(contentType: string | undefined): string | null {
  if (contentType === undefined || contentType === 'application/x-www-form-urlencoded') return null;
  return /^[\x20-\x7e]{1,255}$/.test(contentType) ? contentType : null;
}
