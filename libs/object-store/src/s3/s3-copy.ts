import {
  AbortMultipartUploadCommand, CompleteMultipartUploadCommand, CopyObjectCommand, CreateMultipartUploadCommand, UploadPartCopyCommand,
} from '@aws-sdk/client-s3';
import type { CompletedPart } from '@aws-sdk/client-s3';
import { maxPutBytes } from '../limits.ts';
import { encodeDrivePath } from '@kgpu/contracts';
import type { ObjectInfo } from '../object-store.ts';
import type { S3Connection } from './s3-connection.ts';

const partBytes = 1024 ** 3;

/** Copies within the bucket; its etag. One request up to 5 GiB, parts of 1 GiB above. */
export async function copyInBucket(s3: S3Connection, from: ObjectInfo, to: string, abortSignal: AbortSignal): Promise<string> {
  if (from.size > maxPutBytes) return copyInParts(s3, from, to, abortSignal);
  const reply = await s3.send(new CopyObjectCommand({ Bucket: s3.bucket, Key: to, ...sourceOf(s3, from) }), { abortSignal });
  return reply.CopyObjectResult?.ETag ?? '';
}

async function copyInParts(s3: S3Connection, from: ObjectInfo, to: string, abortSignal: AbortSignal): Promise<string> {
  const target = { Bucket: s3.bucket, Key: to };
  const { UploadId } = await s3.send(new CreateMultipartUploadCommand({ ...target, ContentType: from.content_type }), { abortSignal });
  try {
    const parts: CompletedPart[] = [];
    for (let first = 0; first < from.size; first += partBytes) {
      const last = Math.min(first + partBytes, from.size) - 1;
      const part = { UploadId, PartNumber: parts.length + 1, CopySourceRange: `bytes=${first}-${last}` };
      const reply = await s3.send(new UploadPartCopyCommand({ ...target, ...part, ...sourceOf(s3, from) }), { abortSignal });
      parts.push({ PartNumber: part.PartNumber, ETag: reply.CopyPartResult?.ETag });
    }
    const reply = await s3.send(new CompleteMultipartUploadCommand({ ...target, UploadId, MultipartUpload: { Parts: parts } }), { abortSignal });
    return reply.ETag ?? '';
  } catch (error) {
    await s3.send(new AbortMultipartUploadCommand({ ...target, UploadId }), { abortSignal: AbortSignal.timeout(5_000) }).catch(() => {});
    throw error;
  }
}

function sourceOf(s3: S3Connection, { key, etag }: ObjectInfo): { CopySource: string; CopySourceIfMatch: string } {
  return { CopySource: `${s3.bucket}/${encodeDrivePath(key)}`, CopySourceIfMatch: `"${etag}"` };
}
