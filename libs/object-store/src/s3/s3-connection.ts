import { S3Client, S3ServiceException } from '@aws-sdk/client-s3';
import { Problem } from '@kgpu/contracts';
import type { ProblemCode } from '@kgpu/contracts';

export interface S3ObjectStoreOptions {
  /** Where we reach the store, e.g. `http://seaweedfs:8333`. */
  endpoint: string;
  /** Where clients reach it: presigned URLs lead there. Default: `endpoint`. */
  publicEndpoint?: string | undefined;
  bucket: string;
  /** Default `auto` (R2); SeaweedFS and versitygw take any, AWS wants its own. */
  region?: string | undefined;
  accessKeyId: string;
  secretAccessKey: string;
}

const silent = { trace() {}, debug() {}, info() {}, warn() {}, error() {} };

/** What calls need of the SDK's client and its commands. */
type Send = S3Client['send'];

/** The SDK's client for one bucket, with its errors as problems. */
export class S3Connection {
  readonly bucket: string;
  readonly #client: S3Client;

  constructor({ endpoint, bucket, region = 'auto', accessKeyId, secretAccessKey }: S3ObjectStoreOptions) {
    this.bucket = bucket;
    const agent = { keepAlive: true, maxSockets: 256 };
    this.#client = new S3Client({
      endpoint, region, credentials: { accessKeyId, secretAccessKey }, forcePathStyle: true,
      // R2 and SeaweedFS refuse or store what the SDK's default checksums add.
      requestChecksumCalculation: 'WHEN_REQUIRED',
      responseChecksumValidation: 'WHEN_REQUIRED',
      // It waits longer for a store that never sends 100 than our deadline is.
      expectContinueHeader: false,
      maxAttempts: 2,
      // Else it writes to the console by itself; whoever calls gets the error.
      logger: silent,
      requestHandler: { connectionTimeout: 2_000, httpAgent: agent, httpsAgent: agent },
    });
  }

  /** One call. Rejects with the signal's reason when that aborts, with a problem when the store refuses or is gone. */
  readonly send: Send = (async (command: never, { abortSignal }: { abortSignal: AbortSignal }) => {
    try {
      return await this.#client.send(command, { abortSignal });
    } catch (error) {
      throw abortSignal.aborted ? abortSignal.reason : toProblem(error);
    }
  }) as unknown as Send;

  close(): void {
    this.#client.destroy();
  }
}

const codes: Record<string, ProblemCode> = {
  NoSuchKey: 'file_not_found',
  NotFound: 'file_not_found',
  NoSuchUpload: 'upload_not_found',
  PreconditionFailed: 'precondition_failed',
  ConditionalRequestConflict: 'precondition_failed',
  InvalidRange: 'range_not_satisfiable',
  EntityTooLarge: 'payload_too_large',
  EntityTooSmall: 'invalid_request',
  InvalidPart: 'invalid_request',
  InvalidPartOrder: 'invalid_request',
  MalformedXML: 'invalid_request',
};

/** Errors without a body (HEAD) have only a status. */
const statuses: Record<number, ProblemCode> = { 412: 'precondition_failed', 416: 'range_not_satisfiable' };

function toProblem(error: unknown): Problem {
  const isAnswer = error instanceof S3ServiceException;
  const code = isAnswer ? (codes[error.name] ?? statuses[error.$metadata.httpStatusCode ?? 0]) : undefined;
  if (code !== undefined) return new Problem(code, undefined, {}, { cause: error });
  const detail = isAnswer ? `The object store refuses us: ${error.name}` : 'The object store cannot be reached';
  return new Problem('object_store_unavailable', detail, { retry_after_seconds: 5 }, { cause: error });
}

/** Null where the store has no such object; other problems go on. */
export async function orNull<T>(work: Promise<T>): Promise<T | null> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof Problem && error.code === 'file_not_found') return null;
    throw error;
  }
}

/** Without the quotes of HTTP. */
export function plainEtag(etag: string | undefined): string {
  return (etag ?? '').replaceAll('"', '');
}

/** RFC 3339 in whole seconds, which is all that HTTP's header has. */
export function wholeSeconds(date: Date | undefined): string {
  return `${(date ?? new Date(0)).toISOString().slice(0, 19)}Z`;
}
