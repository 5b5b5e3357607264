import {
  AbortMultipartUploadCommand, CompleteMultipartUploadCommand, CreateMultipartUploadCommand, ListMultipartUploadsCommand, ListPartsCommand, UploadPartCommand,
} from '@aws-sdk/client-s3';
import { Problem } from '@kgpu/contracts';
import { withDeadline } from '../deadline.ts';
import { checkPartNumber, checkPutSize, defaultContentType } from '../limits.ts';
import { checkKey } from '../object-key.ts';
import type { BegunUpload, CallOptions, Part, PresignedPut, PresignPartOptions, StoredObject, StoredPart, Upload, Uploads } from '../object-store.ts';
import { plainEtag, wholeSeconds } from './s3-connection.ts';
import type { S3Connection } from './s3-connection.ts';
import type { S3UrlSigner } from './s3-url-signer.ts';
import { withBody } from './s3-body.ts';

const maxListed = 1_000;

export class S3Uploads implements Uploads {
  readonly #s3: S3Connection;
  readonly #signer: S3UrlSigner;

  constructor(s3: S3Connection, signer: S3UrlSigner) {
    this.#s3 = s3;
    this.#signer = signer;
  }

  async begin(key: string, options: { contentType?: string | undefined } & CallOptions = {}): Promise<Upload> {
    checkKey(key);
    const command = new CreateMultipartUploadCommand({ Bucket: this.#s3.bucket, Key: key, ContentType: options.contentType ?? defaultContentType });
    const reply = await withDeadline(options, ({ signal }) => this.#s3.send(command, { abortSignal: signal }));
    return { key, upload_id: reply.UploadId! };
  }

  async putPart(upload: Upload, partNumber: number, body: AsyncIterable<Uint8Array>, size: number, options?: CallOptions): Promise<Part> {
    checkPartNumber(partNumber);
    checkPutSize(size);
    const reply = await withDeadline(options, (deadline) => withBody(body, size, deadline, (Body) => {
      const command = new UploadPartCommand({ ...this.#name(upload), PartNumber: partNumber, Body, ContentLength: size });
      return this.#s3.send(command, { abortSignal: deadline.signal });
    }));
    return { part_number: partNumber, etag: plainEtag(reply.ETag) };
  }

  listParts(upload: Upload, options?: CallOptions): Promise<StoredPart[]> {
    return withDeadline(options, async (deadline) => {
      const parts = new Map<number, { part: StoredPart; at: number }>();
      for (let marker: string | undefined; ;) {
        const reply = await this.#s3.send(new ListPartsCommand({ ...this.#name(upload), PartNumberMarker: marker }), { abortSignal: deadline.signal });
        for (const { PartNumber, ETag, Size, LastModified } of reply.Parts ?? []) {
          const at = LastModified?.getTime() ?? 0;
          // SeaweedFS lists a part that was put again as often as it was put, with times in whole seconds.
          if ((parts.get(PartNumber!)?.at ?? 0) <= at) parts.set(PartNumber!, { part: { part_number: PartNumber!, etag: plainEtag(ETag), size: Size ?? 0 }, at });
        }
        if (!reply.IsTruncated || reply.NextPartNumberMarker === undefined) return [...parts.values()].map(({ part }) => part);
        marker = reply.NextPartNumberMarker;
        deadline.resume();
      }
    });
  }

  async complete(upload: Upload, parts: readonly Part[], options?: CallOptions): Promise<StoredObject> {
    if (parts.length === 0) throw new Problem('invalid_request', 'An upload needs a part');
    const Parts = parts.map(({ part_number, etag }) => ({ PartNumber: part_number, ETag: `"${etag}"` }));
    const command = new CompleteMultipartUploadCommand({ ...this.#name(upload), MultipartUpload: { Parts } });
    const extraMs = Math.min(60_000, parts.length * 100);
    const reply = await withDeadline(options, ({ signal }) => this.#s3.send(command, { abortSignal: signal }), extraMs);
    return { etag: plainEtag(reply.ETag) };
  }

  async abort(upload: Upload, options?: CallOptions): Promise<void> {
    try {
      await withDeadline(options, ({ signal }) => this.#s3.send(new AbortMultipartUploadCommand(this.#name(upload)), { abortSignal: signal }));
    } catch (error) {
      if (!(error instanceof Problem && error.code === 'upload_not_found')) throw error;
    }
  }

  list({ before, prefix = '', ...options }: { before: Date; prefix?: string | undefined } & CallOptions): Promise<BegunUpload[]> {
    return withDeadline(options, async (deadline) => {
      const found: BegunUpload[] = [];
      for (let markers: { KeyMarker?: string | undefined; UploadIdMarker?: string | undefined } = {}; ;) {
        const command = new ListMultipartUploadsCommand({ Bucket: this.#s3.bucket, Prefix: prefix, ...markers });
        const reply = await this.#s3.send(command, { abortSignal: deadline.signal });
        for (const { Key, UploadId, Initiated } of reply.Uploads ?? []) {
          if (Initiated! < before) found.push({ key: Key!, upload_id: UploadId!, begun_at: wholeSeconds(Initiated) });
        }
        if (!reply.IsTruncated || found.length >= maxListed) return found.slice(0, maxListed);
        markers = { KeyMarker: reply.NextKeyMarker, UploadIdMarker: reply.NextUploadIdMarker };
        deadline.resume();
      }
    });
  }

  presignPart(upload: Upload, partNumber: number, options: PresignPartOptions): PresignedPut {
    checkKey(upload.key);
    checkPartNumber(partNumber);
    checkPutSize(options.size);
    const headers = { 'Content-Length': String(options.size) };
    const query = { partNumber: String(partNumber), uploadId: upload.upload_id, 'x-id': 'UploadPart' };
    return { url: this.#signer.sign('PUT', upload.key, { query, headers }, options), method: 'PUT', headers, expires_in: options.expiresSeconds };
  }

  #name({ key, upload_id }: Upload): { Bucket: string; Key: string; UploadId: string } {
    checkKey(key);
    return { Bucket: this.#s3.bucket, Key: key, UploadId: upload_id };
  }
}
