/** Bytes that come into a drive: the room for them is asked for first, confirmed when they are there, given back when they are not. */
import { ConfirmUpload, GrowUpload, objectKey, Problem, ReleaseUpload, ReserveUpload, type DriveId, type ReservedUpload } from '@kgpu/contracts';
import type { ObjectStore, Part, PresignedPut, StoredObject } from '@kgpu/object-store';
import type { Logger } from 'pino';
import type { Asker, Parts } from '../http/parts.ts';
import { chunksOf, partsOf } from './body-parts.ts';
import { bytesIn, MeasuredBody } from './measured-body.ts';
import type { ObjectHeads } from './object-heads.ts';

/** One PUT of an object store. */
export const MAX_PUT_BYTES = 5 * 1024 ** 3;
/** A body of unknown length that is over by then needs no parts. */
const SMALL_BYTES = 4 * 1024 * 1024;
/** Uploads of unknown length at once, in all and of one user: each holds a part in memory. */
const MAX_UNMEASURED = 32;
const MAX_UNMEASURED_EACH = 8;
/** A stream that is slower than this may lose its reservation before its end; it counts all the same. */
const SLOWEST_BYTES_PER_SECOND = 64 * 1024;
const REDIRECT_SECONDS = 900;
const MINT_SECONDS = 3_600;
const PARTS_SECONDS = 7 * 86_400;
/** Of a stream, beyond what its bytes may take: after a crash of the gateway its room is free again when that is over. */
const STREAM_SECONDS = 900;
const UNKNOWN_SECONDS = 86_400;

/** What is uploaded where, and on which conditions. */
export interface UploadTarget {
  drive: DriveId;
  path: string;
  by: number;
  /** Null: not known. */
  size: number | null;
  contentType: string | null;
  createOnly: boolean;
  /** Etag that the path must have. */
  ifMatch: string | null;
  lockTokens: readonly string[];
  /** The client deletes the path after an upload that failed. */
  guardsDelete: boolean;
}

export interface UploadOrder extends Asker {
  commandId: string;
}

export interface Uploaded {
  size: number;
  etag: string;
  /** Something had the path before. */
  replaced: boolean;
}

type Way = ReservedUpload['way'];

export class Uploads {
  /** Who uploads without saying a length, once for each of their uploads. */
  readonly #unmeasured: number[] = [];

  constructor(
    private readonly parts: Parts,
    private readonly store: ObjectStore,
    private readonly heads: ObjectHeads,
    private readonly log: Logger,
  ) {}

  /** A URL that a redirected PUT is sent to. @throws Problem as `ReserveUpload` says */
  redirect(target: UploadTarget, order: UploadOrder): Promise<PresignedPut> {
    return this.#presign(target, order, REDIRECT_SECONDS, null);
  }

  /** A URL for a later PUT, with the headers to send. */
  mint(target: UploadTarget, order: UploadOrder): Promise<PresignedPut> {
    return this.#presign(target, order, MINT_SECONDS, target.contentType);
  }

  /** An upload in parts, which the client puts into the store over days. */
  async begin(target: UploadTarget, order: UploadOrder): Promise<{ upload_id: string; part_bytes: number; expires_at: string }> {
    const { upload_id, part_bytes, expires_at } = await this.#reserve(target, order, 'parts', PARTS_SECONDS);
    return { upload_id, part_bytes: part_bytes!, expires_at };
  }

  /**
   * Stores a body. `body` is asked for once there is room: only then a client that waits is told to send. When it fails the old
   * object stays. @throws Problem as `ReserveUpload` says, what the body throws, `object_store_unavailable`
   */
  async stream(target: UploadTarget, order: UploadOrder, body: () => AsyncIterable<Uint8Array>): Promise<Uploaded> {
    const { size } = target;
    if (size !== null && size <= MAX_PUT_BYTES) return this.#whole(target, order, size, body);
    if (size !== null) return this.#inParts(target, order, () => new MeasuredBody(body()));
    if (this.#unmeasured.length >= MAX_UNMEASURED || this.#unmeasured.filter((user) => user === target.by).length >= MAX_UNMEASURED_EACH) {
      throw new Problem('service_unavailable', 'Too many uploads without a length at once; say the length, or try later.', { retry_after_seconds: 5 });
    }
    this.#unmeasured.push(target.by);
    try {
      return await this.#unknown(target, order, body);
    } finally {
      this.#unmeasured.splice(this.#unmeasured.indexOf(target.by), 1);
    }
  }

  async #presign(target: UploadTarget, order: UploadOrder, expiresSeconds: number, contentType: string | null): Promise<PresignedPut> {
    await this.#reserve(target, order, 'presigned', expiresSeconds);
    const key = objectKey(target.drive, target.path);
    this.heads.uploading(key, expiresSeconds * 1_000);
    return this.store.presignPut(key, { expiresSeconds, createOnly: target.createOnly, ...(target.size !== null && { size: target.size }), ...(contentType !== null && { contentType }) });
  }

  async #whole(target: UploadTarget, order: UploadOrder, size: number, body: () => AsyncIterable<Uint8Array>): Promise<Uploaded> {
    const upload = await this.#reserve({ ...target, size }, order, 'streamed', streamSeconds(size));
    const { contentType, createOnly } = target;
    return this.#settle(upload, order, size, () => this.store.put(objectKey(upload.drive, upload.path), body(), size, { contentType: contentType ?? undefined, createOnly }));
  }

  async #unknown(target: UploadTarget, order: UploadOrder, body: () => AsyncIterable<Uint8Array>): Promise<Uploaded> {
    const measured = new MeasuredBody(body());
    const first = await measured.collect(SMALL_BYTES);
    const size = bytesIn(first);
    if (await measured.isEmpty()) return this.#whole(target, order, size, () => chunksOf(first));
    return this.#inParts(target, order, () => measured, first);
  }

  /** `first`: what of the body has been read already. */
  async #inParts(target: UploadTarget, order: UploadOrder, open: () => MeasuredBody, first: readonly Uint8Array[] = []): Promise<Uploaded> {
    const upload = await this.#reserve(target, order, 'streamed_parts', target.size === null ? UNKNOWN_SECONDS : streamSeconds(target.size));
    let total = 0;
    return this.#settle(upload, order, () => total, async () => {
      const to = { key: objectKey(upload.drive, upload.path), upload_id: upload.store_upload_id! };
      const parts: Part[] = [];
      for await (const { chunks, size } of partsOf(open(), { partBytes: upload.part_bytes!, size: target.size, first })) {
        total += size;
        if (target.size === null) await this.parts.ask(GrowUpload, { command_id: `${order.commandId}-${total}`, drive: upload.drive, upload_id: upload.upload_id, size: total }, order);
        parts.push(await this.store.uploads.putPart(to, parts.length + 1, chunks, size));
      }
      return this.store.uploads.complete(to, parts);
    });
  }

  async #reserve(target: UploadTarget, order: UploadOrder, way: Way, expiresSeconds: number): Promise<ReservedUpload> {
    const { drive, path, by, size, contentType, createOnly, ifMatch, lockTokens, guardsDelete } = target;
    const { upload } = await this.parts.ask(ReserveUpload, {
      command_id: order.commandId, drive, path, by, way, size, content_type: contentType, create_only: createOnly, if_match: ifMatch,
      lock_tokens: [...lockTokens], guards_delete: guardsDelete, expires_seconds: expiresSeconds,
    }, order);
    return upload;
  }

  async #settle(upload: ReservedUpload, order: UploadOrder, size: number | (() => number), put: () => Promise<StoredObject>): Promise<Uploaded> {
    const { drive, path, upload_id } = upload;
    let stored: StoredObject;
    try {
      stored = await put();
    } catch (error) {
      await this.#release(upload, order, error);
      throw error;
    } finally {
      this.heads.forget(objectKey(drive, path));
    }
    const bytes = typeof size === 'number' ? size : size();
    try {
      await this.parts.ask(ConfirmUpload, { command_id: `${order.commandId}-confirm`, drive, upload_id, size: bytes, etag: stored.etag }, order);
    } catch (error) {
      // The bytes are there to stay; the service finds them by itself when the reservation is over.
      this.log.warn({ err: error, upload_id, request_id: order.requestId }, 'an upload could not be confirmed yet');
    }
    return { size: bytes, etag: stored.etag, replaced: upload.replaces };
  }

  /** What can't be released now is when the reservation is over. */
  async #release({ drive, upload_id }: ReservedUpload, order: UploadOrder, error: unknown): Promise<void> {
    const reason = error instanceof Problem ? error.code : 'broke_off';
    await this.parts.ask(ReleaseUpload, { command_id: `${order.commandId}-release`, drive, upload_id, reason }, order).catch((cause: unknown) => {
      this.log.warn({ err: cause, upload_id, request_id: order.requestId }, 'an upload could not be released yet');
    });
  }
}

function streamSeconds(size: number): number {
  return Math.min(STREAM_SECONDS + Math.ceil(size / SLOWEST_BYTES_PER_SECOND), PARTS_SECONDS);
}
