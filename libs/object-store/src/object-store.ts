/**
 * The port to the object store: where the bytes of drives lie. Names are keys (see `object-key.ts`), contents are
 * immutable: an object is replaced as a whole or stays as it was. Nothing outside an adapter knows which store it is.
 *
 * Said once, true of every method:
 * - A store that is down, refuses us, or keeps us waiting for longer than the deadline (5 s unless told) makes it reject
 *   with `Problem('object_store_unavailable')`. The deadline runs only while the store is being waited for: a body that
 *   its reader or its source takes slowly is not cut.
 * - When the caller's `signal` aborts, it rejects with the signal's reason.
 * - A key that no store could hold is `Problem('invalid_path')`, before anything is asked.
 * - Unknown keys are `null` or nothing to do, never an error.
 */
import type { Readable } from 'node:stream';
import type { ByteRange, ResolvedRange } from './byte-range.ts';

export interface CallOptions {
  signal?: AbortSignal | undefined;
  /** How long the store may keep us waiting. Default 5,000. */
  deadlineMs?: number | undefined;
}

/** What is known of an object without its bytes. Goes into replies as it is. */
export interface ObjectInfo {
  key: string;
  /** Bytes. */
  size: number;
  /** RFC 3339, UTC, whole seconds. */
  modified_at: string;
  /** Without quotes. The MD5 of the content in hex, or `<hex>-<parts>` of a multipart upload; changes with the content. */
  etag: string;
  /** As it was given at the upload. Listings of some stores leave it out. */
  content_type?: string;
}

export interface PutOptions extends CallOptions {
  /** Default `application/octet-stream`. */
  contentType?: string | undefined;
  /** Only where no object has the key: else `Problem('precondition_failed')`, and the old object stays. */
  createOnly?: boolean | undefined;
}

export interface StoredObject {
  etag: string;
}

export interface GetOptions extends CallOptions {
  /** Part of the content. `Problem('range_not_satisfiable')`, with `size`, when it has no byte in common with it. */
  range?: ByteRange | undefined;
  /** Only this version: `Problem('precondition_failed')` when the object's etag is another one. */
  ifMatch?: string | undefined;
}

export interface ObjectContent extends ObjectInfo {
  content_type: string;
  /** The part that `body` holds; null when it is everything. */
  range: ResolvedRange | null;
  /** Exactly the bytes asked for, or an error: never silently short. Read it to its end or destroy it. */
  body: Readable;
}

export interface ListOptions extends CallOptions {
  /** Only keys that start with it. Default: all. */
  prefix?: string | undefined;
  /** `/` folds keys that go on behind a slash after the prefix into one entry of `prefixes`. */
  delimiter?: '/' | undefined;
  /** `next_cursor` of the page before, with the same prefix and delimiter. A bad one is `Problem('invalid_request')`. */
  cursor?: string | undefined;
  /** Objects and prefixes per page, 1 to 1,000. Default 1,000. (SeaweedFS gives one more where file and folder have one name.) */
  limit?: number | undefined;
}

export interface ListPage {
  /** In the order of their keys' UTF-8 bytes; but SeaweedFS goes folder by folder (`a/b` before `a-b`). Each key comes once. */
  objects: ObjectInfo[];
  /** `<prefix>…/`, in the same order, each once. Empty without a delimiter. */
  prefixes: string[];
  /** Null on the last page. */
  next_cursor: string | null;
}

export interface PresignOptions {
  /** 1 to 604,800 (a week). */
  expiresSeconds: number;
  /** Wall-clock time of signing in ms since 1970: stores compare with their own clock, so it is never business time. */
  now?: number | undefined;
}

export interface PresignGetOptions extends PresignOptions {
  /** The reply's `Content-Disposition`. */
  contentDisposition?: string | undefined;
}

export interface PresignPutOptions extends PresignOptions {
  /** Bytes, signed in: a body of any other length is refused. Without it any length is taken that one request may have. */
  size?: number | undefined;
  /** Signed in: the uploader must send exactly this `Content-Type`. Without it any type is taken. */
  contentType?: string | undefined;
  /** Signed in: the uploader must send `If-None-Match: *`, and gets 412 where the key is taken. */
  createOnly?: boolean | undefined;
}

/** How to upload: the URL takes this method, with these headers, until it expires. Secret: never log it. */
export interface PresignedPut {
  url: string;
  method: 'PUT';
  /** To be sent as they are (`Content-Length` is what HTTP clients set by themselves). */
  headers: Record<string, string>;
  expires_in: number;
}

export interface ObjectStore {
  /** Uploads in parts: for what has no known length, is over 5 GiB, or resumes. */
  readonly uploads: Uploads;

  /**
   * Stores `size` bytes of `body`, at most 5 GiB. When it resolves they survive a crash. When it rejects (the body was cut,
   * is too long or too short: `Problem('invalid_request')`; its own error is passed on) the old object stays; only after
   * `object_store_unavailable` it may be the new one. The body is not destroyed then: who made it ends it.
   */
  put(key: string, body: AsyncIterable<Uint8Array>, size: number, options?: PutOptions): Promise<StoredObject>;

  /** The content as it was at the time of the call, also when it is replaced or deleted meanwhile. Null: no such object. */
  get(key: string, options?: GetOptions): Promise<ObjectContent | null>;

  head(key: string, options?: CallOptions): Promise<(ObjectInfo & { content_type: string }) | null>;

  list(options?: ListOptions): Promise<ListPage>;

  /**
   * Copies within the store, with its content type, over what is there; any size. The etag may change. Onto itself:
   * nothing to do. Null: no such object. May take the store a second more per 32 MiB than the deadline says.
   */
  copy(from: string, to: string, options?: CallOptions): Promise<StoredObject | null>;

  /** Any number of keys. Unknown ones count as deleted. When it rejects some may be gone: repeat it. */
  deleteMany(keys: readonly string[], options?: CallOptions): Promise<void>;

  /** A URL that serves GET (not HEAD) of the key to anybody until it expires; 404 when there is no such object. */
  presignGet(key: string, options: PresignGetOptions): string;

  presignPut(key: string, options: PresignPutOptions): PresignedPut;

  /** Resolves when the store answers and knows us. */
  check(options?: CallOptions): Promise<void>;

  /** Lets go of files and connections. What runs may fail. */
  close(): Promise<void>;
}

/** An upload in parts that was begun. Both fields name it. */
export interface Upload {
  key: string;
  upload_id: string;
}

export interface BegunUpload extends Upload {
  /** RFC 3339, UTC, whole seconds. */
  begun_at: string;
}

export interface Part {
  /** 1 to 10,000. */
  part_number: number;
  etag: string;
}

export interface StoredPart extends Part {
  size: number;
}

export interface PresignPartOptions extends PresignOptions {
  /** Bytes, signed in. */
  size: number;
}

/**
 * Parts are put in any order, again at will (the last one counts), and become an object at once with `complete`. An
 * upload that was aborted or never begun is `Problem('upload_not_found')`, except for `abort`; so is one that was completed,
 * though some stores answer a repeated `complete` with the first result.
 */
export interface Uploads {
  begin(key: string, options?: { contentType?: string | undefined } & CallOptions): Promise<Upload>;

  /** As `ObjectStore.put`, for one part. All but the last must have 5 MiB or more. */
  putPart(upload: Upload, partNumber: number, body: AsyncIterable<Uint8Array>, size: number, options?: CallOptions): Promise<Part>;

  /** All of them, by number. */
  listParts(upload: Upload, options?: CallOptions): Promise<StoredPart[]>;

  /**
   * Makes these parts, in this order, the object. `Problem('invalid_request')` when one isn't there with this etag, is too
   * small, or the numbers don't rise: the upload goes on then. May take the store a minute more when there are many.
   */
  complete(upload: Upload, parts: readonly Part[], options?: CallOptions): Promise<StoredObject>;

  /** Forgets the upload and its parts. Gone already: nothing to do. */
  abort(upload: Upload, options?: CallOptions): Promise<void>;

  /** Uploads begun before this time, below the prefix: at most 1,000. Abort them and ask again for more. */
  list(options: { before: Date; prefix?: string | undefined } & CallOptions): Promise<BegunUpload[]>;

  presignPart(upload: Upload, partNumber: number, options: PresignPartOptions): PresignedPut;
}
