import { Problem } from '@kgpu/contracts';
import type { ProblemCode } from '@kgpu/contracts';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';

/** S3's names of what can go wrong, with their statuses. */
const refusals = {
  InvalidURI: [400, 'The URI is not valid'],
  InvalidRequest: [400, 'The request is not valid'],
  AccessDenied: [403, 'The URL has expired'],
  SignatureDoesNotMatch: [403, 'The request is not what the URL was signed for'],
  NoSuchKey: [404, 'There is no such object'],
  NoSuchUpload: [404, 'There is no such upload'],
  MissingContentLength: [411, 'A Content-Length is needed'],
  PreconditionFailed: [412, 'A precondition does not hold'],
  EntityTooLarge: [413, 'The body is too large'],
  InvalidRange: [416, 'The range lies outside of the content'],
  InternalError: [500, 'A defect in kgpu'],
  NotImplemented: [501, 'This header is not supported here'],
  ServiceUnavailable: [503, 'The object store is not available'],
} as const;

export type RefusalCode = keyof typeof refusals;

export interface Refusal {
  code: RefusalCode;
  headers?: Record<string, string>;
}

const codes: Partial<Record<ProblemCode, RefusalCode>> = {
  invalid_path: 'InvalidURI',
  invalid_request: 'InvalidRequest',
  upload_not_found: 'NoSuchUpload',
  precondition_failed: 'PreconditionFailed',
  payload_too_large: 'EntityTooLarge',
  range_not_satisfiable: 'InvalidRange',
  object_store_unavailable: 'ServiceUnavailable',
};

/** How much of a refused body is read, and for how long: a client that is cut off at once may not see the answer. */
const drainBytes = 1024 * 1024;
const drainMs = 2_000;

export function describeRefusal(error: unknown): Refusal {
  if (!(error instanceof Problem)) return { code: 'InternalError' };
  const code = codes[error.code] ?? 'InternalError';
  if (code === 'InvalidRange') return { code, headers: { 'Content-Range': `bytes */${String(error.fields['size'])}` } };
  return code === 'ServiceUnavailable' ? { code, headers: { 'Retry-After': '5' } } : { code };
}

/** Answers as S3 does, in XML. When the body isn't read to its end the connection is given up after a short drain. */
export async function refuse(req: IncomingMessage, res: ServerResponse, { code, headers = {} }: Refusal): Promise<void> {
  if (res.headersSent || res.destroyed) return void res.destroy();
  const [status, message] = refusals[code];
  const xml = `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>${message}</Message></Error>`;
  res.writeHead(status, {
    'Content-Type': 'application/xml', 'Content-Length': Buffer.byteLength(xml), ...headers, ...(!req.complete && hasBody(req) && { Connection: 'close' }),
  });
  if (req.complete || !hasBody(req)) return void res.end(xml);
  res.write(xml);
  await Promise.race([drain(req), delay(drainMs, undefined, { ref: false })]);
  res.end();
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}

async function drain(req: IncomingMessage): Promise<void> {
  let seen = 0;
  try {
    for await (const chunk of req.iterator({ destroyOnReturn: false })) {
      seen += (chunk as Uint8Array).byteLength;
      if (seen > drainBytes) return;
    }
  } catch {
    // The client is gone: nobody waits for the answer.
  }
}
