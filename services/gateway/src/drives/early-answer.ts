/** Answers that may go out while the request's body is still coming. */
import { awaitsContinue, hasBody, problemHeaders, problemOf } from '@kgpu/runtime';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import type { Logger } from 'pino';
import { Result } from '../http/result.ts';

/** How much of a body is thrown away after an answer that needs none of it. A redirect is worth the whole: some clients look at it only then. */
const REFUSED_BYTES = 64 * 1024 * 1024;
const REFUSED_MS = 30_000;
const REDIRECTED_BYTES = 5 * 1024 ** 3;
const REDIRECTED_MS = 3_600_000;
const IDLE_MS = 10_000;
/** How long a client may take nothing of what is streamed to it. */
const UNREAD_MS = 300_000;

export function problemResult(error: unknown, requestId: string, log: Logger): Result {
  const problem = problemOf(error);
  if (problem.code === 'internal_error') log.error({ err: problem.cause ?? problem, request_id: requestId }, 'a request met a defect');
  const body = problem.toJSON();
  return new Result(JSON.stringify(body), problem.status, problemHeaders(body));
}

/** Sends the result, once or, when there is a body that nobody has read, in a way that its sender gets to see it. */
export async function answer(request: FastifyRequest, reply: FastifyReply, result: Result, unreadMs = UNREAD_MS): Promise<void> {
  const { raw } = request;
  // Node ends the connection then, and sets a time of its own after the answer.
  if (result.body instanceof Readable) raw.socket.setTimeout(unreadMs);
  if (!hasBody(raw) || raw.complete || result.body instanceof Readable) {
    await reply.code(result.status).headers(result.headers).send(result.body ?? undefined);
    return;
  }
  reply.headers({ connection: 'close', ...result.headers });
  reply.hijack();
  const response = reply.raw;
  const text = typeof result.body === 'string' ? result.body : result.body === null ? '' : JSON.stringify(result.body);
  response.writeHead(result.status, { ...(reply.getHeaders() as Record<string, string>), ...(result.status !== 204 && { 'content-length': String(Buffer.byteLength(text)) }) });
  response.flushHeaders();
  if (text !== '' && request.method !== 'HEAD') response.write(text);
  // Who waits for 100 sends nothing now.
  const isRedirect = result.status === 307;
  if (!awaitsContinue(raw)) await drained(raw, response, isRedirect ? REDIRECTED_BYTES : REFUSED_BYTES, isRedirect ? REDIRECTED_MS : REFUSED_MS);
  response.end();
}

/** Resolves when the body has been thrown away, or enough of it, or the client is gone. */
function drained(request: IncomingMessage, response: ServerResponse, maxBytes: number, maxMs: number): Promise<void> {
  // A reader that gave up would hold the body back.
  request.removeAllListeners('readable');
  return new Promise((resolve) => {
    let seen = 0;
    const end = (): void => {
      clearTimeout(last);
      clearTimeout(idle);
      resolve();
    };
    const last = setTimeout(end, maxMs);
    const idle = setTimeout(end, IDLE_MS);
    request.on('data', (chunk: Buffer) => {
      idle.refresh();
      seen += chunk.byteLength;
      if (seen > maxBytes) end();
    });
    request.on('end', end);
    request.on('error', end);
    request.on('close', end);
    response.on('close', end);
    request.resume();
  });
}
