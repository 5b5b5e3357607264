import { Problem } from '@kgpu/contracts';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import type { DiskObjectStore } from './disk-object-store.ts';
import { describeRefusal, refuse } from './disk/http-refusal.ts';
import type { RefusalCode } from './disk/http-refusal.ts';
import { objectsPath } from './disk/signed-url.ts';
import type { Permission } from './disk/signed-url.ts';
import { conditionalStatus, rangeAskedFor } from './http-conditions.ts';
import type { GetOptions, ObjectInfo } from './object-store.ts';

export interface ObjectRequestOptions {
  /** Wall-clock time of the request, ms since 1970. Default: now. */
  now?: number;
  /** The request came by the server's `checkContinue` event: 100 is sent once it may go on. Else node has sent it. */
  awaitsContinue?: boolean;
  /** How long the client may send or take nothing. Default 60,000. */
  idleMs?: number;
}

/**
 * Serves a URL that the store signed, as an S3 server would: `GET` with ranges and conditions, `PUT` of an object or of a
 * part. The answer to anything else, HEAD included, is 403. `Authorization` is not looked at: clients carry the one of
 * the gateway over. Resolves when the answer is out; never rejects. Who logs the request must leave out its query.
 */
export async function handleObjectRequest(store: DiskObjectStore, req: IncomingMessage, res: ServerResponse, options: ObjectRequestOptions = {}): Promise<void> {
  const { idleMs = 60_000 } = options;
  req.socket.setTimeout(idleMs);
  const stopIdle = (): void => void req.destroy();
  req.socket.once('timeout', stopIdle);
  try {
    await answer(store, req, res, options);
  } catch (error) {
    await refuse(req, res, describeRefusal(error));
  } finally {
    req.socket.off('timeout', stopIdle);
    req.socket.setTimeout(0);
  }
}

async function answer(store: DiskObjectStore, req: IncomingMessage, res: ServerResponse, options: ObjectRequestOptions): Promise<void> {
  const { key, query } = parseUrl(req.url ?? '');
  if (key === null) return refuse(req, res, { code: 'InvalidURI' });
  const verified = store.verify(req.method ?? '', key, query, options.now ?? Date.now());
  if ('refused' in verified) return refuse(req, res, { code: verified.refused });
  if (req.method === 'PUT') return put(store, key, verified.allowed, req, res, options);
  return get(store, key, verified.allowed, req, res);
}

function parseUrl(url: string): { key: string | null; query: URLSearchParams } {
  const mark = url.indexOf('?');
  const path = mark === -1 ? url : url.slice(0, mark);
  const query = new URLSearchParams(mark === -1 ? '' : url.slice(mark));
  try {
    return { key: path.startsWith(objectsPath) ? decodeURIComponent(path.slice(objectsPath.length)) : null, query };
  } catch {
    return { key: null, query };
  }
}

async function put(store: DiskObjectStore, key: string, allowed: Permission, req: IncomingMessage, res: ServerResponse, { awaitsContinue = false }: ObjectRequestOptions): Promise<void> {
  const code = whyNotPut(allowed, req);
  if (code !== null) return refuse(req, res, { code });
  if (awaitsContinue) res.writeContinue();
  const { etag } = await putBody(store, key, allowed, req);
  res.writeHead(200, { ETag: `"${etag}"`, 'Content-Length': 0 }).end();
}

/** What is signed in must come as it was signed. */
function whyNotPut(allowed: Permission, { headers }: IncomingMessage): RefusalCode | null {
  if (headers['content-length'] === undefined) return 'MissingContentLength';
  if (allowed.length !== undefined && headers['content-length'] !== allowed.length) return 'SignatureDoesNotMatch';
  if (allowed.content_type !== undefined && headers['content-type'] !== allowed.content_type) return 'SignatureDoesNotMatch';
  if (allowed.create_only !== undefined && headers['if-none-match'] !== '*') return 'SignatureDoesNotMatch';
  return headers['if-none-match'] === undefined || headers['if-none-match'] === '*' ? null : 'NotImplemented';
}

function putBody(store: DiskObjectStore, key: string, allowed: Permission, req: IncomingMessage): Promise<{ etag: string }> {
  const { length = req.headers['content-length'], upload_id: uploadId, part_number: partNumber } = allowed;
  if (uploadId !== undefined) return store.uploads.putPart({ key, upload_id: uploadId }, Number(partNumber), req, Number(length));
  return store.put(key, req, Number(length), { contentType: req.headers['content-type'], createOnly: req.headers['if-none-match'] === '*' });
}

async function get(store: DiskObjectStore, key: string, allowed: Permission, req: IncomingMessage, res: ServerResponse): Promise<void> {
  const info = await store.head(key);
  if (info === null) return refuse(req, res, { code: 'NoSuchKey' });
  const status = conditionalStatus(req.headers, info);
  if (status === 304) return void res.writeHead(304, validators(info)).end();
  if (status === 412) return refuse(req, res, { code: 'PreconditionFailed' });
  const object = await store.get(key, { ...rangeOf(req, info), ifMatch: info.etag }).catch(replacedMeanwhile);
  // Replaced between the two looks: what the conditions were asked of is gone.
  if (object === null) return get(store, key, allowed, req, res);
  const { range, size, body } = object;
  res.writeHead(range === null ? 200 : 206, {
    ...validators(info),
    'Content-Type': object.content_type,
    'Content-Length': range === null ? size : range.last - range.first + 1,
    ...(range !== null && { 'Content-Range': `bytes ${range.first}-${range.last}/${size}` }),
    ...(allowed.content_disposition !== undefined && { 'Content-Disposition': allowed.content_disposition }),
  });
  await pipeline(body, res).catch(() => res.destroy());
}

function replacedMeanwhile(error: unknown): null {
  if (error instanceof Problem && error.code === 'precondition_failed') return null;
  throw error;
}

/** A file of a user is on the gateway's own origin here: no browser may run it as a page with the gateway's cookies. */
function validators({ etag, modified_at }: ObjectInfo): Record<string, string> {
  return {
    ETag: `"${etag}"`,
    'Last-Modified': new Date(modified_at).toUTCString(),
    'Accept-Ranges': 'bytes',
    'Content-Security-Policy': 'sandbox',
    'X-Content-Type-Options': 'nosniff',
  };
}

function rangeOf({ headers }: IncomingMessage, info: ObjectInfo): Pick<GetOptions, 'range'> {
  const range = rangeAskedFor(headers, info);
  return range === null ? {} : { range };
}
