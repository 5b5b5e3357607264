import { DeleteObjectsCommand, GetObjectCommand, HeadBucketCommand, HeadObjectCommand, ListObjectsV2Command, PutObjectCommand } from '@aws-sdk/client-s3';
import type { GetObjectCommandOutput } from '@aws-sdk/client-s3';
import { Problem } from '@kgpu/contracts';
import type { Readable } from 'node:stream';
import { formatRange } from './byte-range.ts';
import type { ResolvedRange } from './byte-range.ts';
import { Deadline, withDeadline } from './deadline.ts';
import { deliveredBody } from './exact-body.ts';
import { checkListing, checkPutSize, defaultContentType } from './limits.ts';
import { checkKey } from './object-key.ts';
import type {
  CallOptions, GetOptions, ListOptions, ListPage, ObjectContent, ObjectInfo, ObjectStore, PresignedPut, PresignGetOptions, PresignPutOptions, PutOptions, StoredObject,
} from './object-store.ts';
import { withBody } from './s3/s3-body.ts';
import { orNull, plainEtag, S3Connection, wholeSeconds } from './s3/s3-connection.ts';
import type { S3ObjectStoreOptions } from './s3/s3-connection.ts';
import { copyInBucket } from './s3/s3-copy.ts';
import { S3Uploads } from './s3/s3-uploads.ts';
import { S3UrlSigner } from './s3/s3-url-signer.ts';

export type { S3ObjectStoreOptions };

/** Any S3: R2, SeaweedFS, versitygw, AWS. Operations go to the internal endpoint, presigned URLs lead to the public one. */
export class S3ObjectStore implements ObjectStore {
  readonly uploads: S3Uploads;
  readonly #s3: S3Connection;
  readonly #signer: S3UrlSigner;

  constructor(options: S3ObjectStoreOptions) {
    this.#s3 = new S3Connection(options);
    this.#signer = new S3UrlSigner(options);
    this.uploads = new S3Uploads(this.#s3, this.#signer);
  }

  async put(key: string, body: AsyncIterable<Uint8Array>, size: number, options: PutOptions = {}): Promise<StoredObject> {
    checkPutSize(size);
    const { contentType = defaultContentType, createOnly = false } = options;
    const input = { ...this.#name(key), ContentLength: size, ContentType: contentType, ...(createOnly && { IfNoneMatch: '*' }) };
    const reply = await withDeadline(options, (deadline) => withBody(body, size, deadline, (Body) =>
      this.#s3.send(new PutObjectCommand({ ...input, Body }), { abortSignal: deadline.signal })));
    return { etag: plainEtag(reply.ETag) };
  }

  async get(key: string, options: GetOptions = {}): Promise<ObjectContent | null> {
    const { range, ifMatch } = options;
    const command = new GetObjectCommand({
      ...this.#name(key), ...(range && { Range: formatRange(range) }), ...(ifMatch !== undefined && { IfMatch: `"${ifMatch}"` }),
    });
    const deadline = new Deadline(options);
    try {
      const reply = await deadline.race(orNull(this.#s3.send(command, { abortSignal: deadline.signal })));
      if (reply !== null) return toContent(key, reply, deadline);
      deadline.end();
      return null;
    } catch (error) {
      deadline.end();
      throw isOutOfRange(error) ? await this.#outOfRange(key, options, error) : error;
    }
  }

  async head(key: string, options?: CallOptions): Promise<(ObjectInfo & { content_type: string }) | null> {
    const command = new HeadObjectCommand(this.#name(key));
    const reply = await withDeadline(options, ({ signal }) => orNull(this.#s3.send(command, { abortSignal: signal })));
    return reply === null ? null : { ...toInfo(key, reply), size: reply.ContentLength ?? 0 };
  }

  async list(options: ListOptions = {}): Promise<ListPage> {
    checkListing(options);
    const { prefix = '', delimiter, cursor, limit = 1_000 } = options;
    const command = new ListObjectsV2Command({
      Bucket: this.#s3.bucket, Prefix: prefix, Delimiter: delimiter, MaxKeys: limit, ...(cursor !== undefined && { ContinuationToken: parseCursor(cursor, prefix) }),
    });
    const reply = await withDeadline(options, ({ signal }) => this.#s3.send(command, { abortSignal: signal }));
    return {
      objects: (reply.Contents ?? []).map(({ Key, Size, LastModified, ETag }) => ({ key: Key!, size: Size ?? 0, modified_at: wholeSeconds(LastModified), etag: plainEtag(ETag) })),
      prefixes: (reply.CommonPrefixes ?? []).map(({ Prefix }) => Prefix!),
      next_cursor: reply.IsTruncated && reply.NextContinuationToken !== undefined ? formatCursor(reply.NextContinuationToken, prefix) : null,
    };
  }

  async copy(from: string, to: string, options: CallOptions = {}): Promise<StoredObject | null> {
    checkKey(to);
    const source = await this.head(from, options);
    if (source === null || from === to) return source === null ? null : { etag: source.etag };
    // SeaweedFS copies no folder; its marker is nothing but a name.
    if (from.endsWith('/') && source.size === 0) return this.put(to, nothing(), 0, { ...options, contentType: source.content_type });
    const extraMs = Math.ceil(source.size / (32 * 1024 ** 2)) * 1_000;
    const etag = await withDeadline(options, ({ signal }) => orNull(copyInBucket(this.#s3, source, to, signal)), extraMs);
    return etag === null ? null : { etag: plainEtag(etag) };
  }

  async deleteMany(keys: readonly string[], options?: CallOptions): Promise<void> {
    keys.forEach(checkKey);
    // SeaweedFS deletes a folder only when nothing lies in it: what lies deeper goes first.
    const ordered = keys.toSorted((a, b) => b.length - a.length);
    for (let from = 0; from < ordered.length; from += 1_000) await this.#deleteSome(ordered.slice(from, from + 1_000), options);
  }

  presignGet(key: string, options: PresignGetOptions): string {
    checkKey(key);
    const { contentDisposition } = options;
    const query = { ...(contentDisposition !== undefined && { 'response-content-disposition': contentDisposition }), 'x-id': 'GetObject' };
    return this.#signer.sign('GET', key, { query }, options);
  }

  presignPut(key: string, options: PresignPutOptions): PresignedPut {
    checkKey(key);
    const { size, contentType, createOnly = false, expiresSeconds } = options;
    if (size !== undefined) checkPutSize(size);
    const headers = { ...(size !== undefined && { 'Content-Length': String(size) }), ...(contentType !== undefined && { 'Content-Type': contentType }), ...(createOnly && { 'If-None-Match': '*' }) };
    const url = this.#signer.sign('PUT', key, { query: { 'x-id': 'PutObject' }, headers }, options);
    return { url, method: 'PUT', headers, expires_in: expiresSeconds };
  }

  async check(options?: CallOptions): Promise<void> {
    const command = new HeadBucketCommand({ Bucket: this.#s3.bucket });
    const reply = await withDeadline(options, ({ signal }) => orNull(this.#s3.send(command, { abortSignal: signal })));
    if (reply === null) throw new Problem('object_store_unavailable', `The object store has no bucket ${this.#s3.bucket}`);
  }

  async close(): Promise<void> {
    this.#s3.close();
  }

  async #deleteSome(keys: readonly string[], options: CallOptions | undefined): Promise<void> {
    const command = new DeleteObjectsCommand({ Bucket: this.#s3.bucket, Delete: { Objects: keys.map((Key) => ({ Key })), Quiet: true } });
    const { Errors = [] } = await withDeadline(options, ({ signal }) => this.#s3.send(command, { abortSignal: signal }));
    const failed = Errors.filter(({ Code }) => Code !== 'NoSuchKey');
    if (failed.length > 0) throw new Problem('object_store_unavailable', `The object store kept ${failed.length} of the objects: ${failed[0]!.Code}`);
  }

  /** The same, with the size that the caller has to be told. */
  async #outOfRange(key: string, options: GetOptions, cause: unknown): Promise<Problem> {
    const size = (await this.head(key, options))?.size ?? 0;
    return new Problem('range_not_satisfiable', `The content has ${size} bytes`, { size }, { cause });
  }

  #name(key: string): { Bucket: string; Key: string } {
    checkKey(key);
    return { Bucket: this.#s3.bucket, Key: key };
  }
}

async function* nothing(): AsyncGenerator<Uint8Array> {}

interface Described {
  LastModified?: Date | undefined;
  ETag?: string | undefined;
  ContentType?: string | undefined;
}

function toInfo(key: string, { LastModified, ETag, ContentType }: Described): Omit<ObjectInfo, 'size'> & { content_type: string } {
  return { key, modified_at: wholeSeconds(LastModified), etag: plainEtag(ETag), content_type: ContentType ?? defaultContentType };
}

function toContent(key: string, reply: GetObjectCommandOutput, deadline: Deadline): ObjectContent {
  const source = reply.Body as Readable;
  const { ContentLength: length = 0, ContentRange } = reply;
  const match = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(ContentRange ?? '');
  const range: ResolvedRange | null = match === null ? null : { first: Number(match[1]), last: Number(match[2]) };
  const body = deliveredBody(source, length, deadline, () => void source.destroy());
  return { ...toInfo(key, reply), size: match === null ? length : Number(match[3]), range, body };
}

function isOutOfRange(error: unknown): boolean {
  return error instanceof Problem && error.code === 'range_not_satisfiable';
}

/** The store's own token may be any text; ours tells a cursor of another listing from one of this. */
function formatCursor(token: string, prefix: string): string {
  return Buffer.from(JSON.stringify([prefix, token])).toString('base64url');
}

function parseCursor(cursor: string, prefix: string): string {
  try {
    const [of, token] = JSON.parse(Buffer.from(cursor, 'base64url').toString()) as [unknown, unknown];
    if (of === prefix && typeof token === 'string') return token;
  } catch {
    // Not ours, as said below.
  }
  throw new Problem('invalid_request', 'The cursor is not one of this listing');
}
