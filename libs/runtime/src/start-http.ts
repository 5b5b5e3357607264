/** Nest on Fastify, hardened once: bounds on everything that a client can send, one shape for every error, an end that does not hang. */
import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { Problem } from '@kgpu/contracts';
import type { DynamicModule } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import { HttpProblemFilter, sendProblem } from './http-problem.filter.ts';
import { problemHeaders } from './http-problem.ts';
import { nestLog } from './nest-log.ts';
import type { RunningService } from './service.ts';

/** A command of 1 MiB with its JSON escapes fits. */
export const MAX_BODY_BYTES = 4 * 1024 * 1024;
const HEADERS_TIMEOUT_MS = 20_000;
const REQUEST_TIMEOUT_MS = 60_000;
const KEEP_ALIVE_MS = 65_000;
const CLOSE_STREAMS_AFTER_MS = 2_000;

export interface HttpOptions {
  module: DynamicModule;
  host: string;
  /** 0 takes a free one. */
  port: number;
  log: Logger;
  /** Called before the routes are made: hooks, raw routes. */
  prepare?: (fastify: FastifyInstance) => void;
}

export interface HttpServer extends RunningService {
  /** `http://host:port` as it listens. */
  url: string;
}

export async function startHttp({ module, host, port, log, prepare }: HttpOptions): Promise<HttpServer> {
  const adapter = new FastifyAdapter({
    bodyLimit: MAX_BODY_BYTES,
    genReqId: requestId,
    requestIdHeader: false,
    logger: false,
    keepAliveTimeout: KEEP_ALIVE_MS,
    requestTimeout: REQUEST_TIMEOUT_MS,
    http: { headersTimeout: HEADERS_TIMEOUT_MS },
    routerOptions: { maxParamLength: 2_000 },
    clientErrorHandler: answerBrokenRequest,
    frameworkErrors: (error: Error, request: FastifyRequest, reply: FastifyReply) => sendProblem(error, request, reply, log),
  } as ConstructorParameters<typeof FastifyAdapter>[0]);
  const fastify: FastifyInstance = adapter.getInstance<FastifyInstance>();
  fastify.addHook('onRequest', (request, reply, done) => {
    void reply.header('x-request-id', request.id);
    done();
  });
  fastify.addHook('onResponse', (request, reply, done) => {
    log.info({ request_id: request.id, method: request.method, path: pathOf(request.raw), status: reply.statusCode, ms: Math.round(reply.elapsedTime) }, 'request');
    done();
  });
  // Node would answer 417 without a body to an `Expect` that it does not know; a server may ignore it (RFC 9110, 10.1.1).
  fastify.server.on('checkExpectation', (request, response) => fastify.server.emit('request', request, response));
  answerUnknown(fastify, log);
  // Nest would set one of its own, and Fastify takes only one.
  adapter.setNotFoundHandler = () => adapter.getInstance();
  prepare?.(fastify);
  const app = await NestFactory.create<NestFastifyApplication>(module, adapter, { logger: nestLog(log), abortOnError: false, bodyParser: false });
  acceptJsonOnly(fastify);
  app.useGlobalFilters(new HttpProblemFilter(log));
  await app.init();
  await app.listen(port, host);
  const address = fastify.server.address();
  const listening = typeof address === 'object' && address !== null ? address.port : port;
  let closing: Promise<void> | null = null;
  return { url: `http://${host.includes(':') ? `[${host}]` : host}:${listening}`, close: () => (closing ??= closeHttp(app, fastify)) };
}

/** Only JSON is read; an empty body is none. Anything else is 415, so that no body is ever taken for something it is not. */
function acceptJsonOnly(fastify: FastifyInstance): void {
  fastify.removeAllContentTypeParsers();
  fastify.addContentTypeParser('application/json', { parseAs: 'string' }, (_request, text, done) => {
    if (text === '') {
      done(null, undefined);
      return;
    }
    try {
      done(null, JSON.parse(text as string, withoutPrototype));
    } catch (cause) {
      done(new Problem('invalid_json', cause instanceof Error ? cause.message.slice(0, 200) : undefined), undefined);
    }
  });
}

/** A key `__proto__` in JSON must not become a prototype anywhere. */
function withoutPrototype(key: string, value: unknown): unknown {
  return key === '__proto__' ? undefined : value;
}

/** A known path with another method is 405 with `Allow`; any other is 404. */
function answerUnknown(fastify: FastifyInstance, log: Logger): void {
  const known: { method: string; path: RegExp }[] = [];
  fastify.addHook('onRoute', ({ method, url }) => {
    const path = new RegExp(`^${url.split('/').map((part) => (part.startsWith(':') ? '[^/]+' : RegExp.escape(part))).join('/')}/?$`);
    for (const name of [method].flat()) known.push({ method: name, path });
  });
  fastify.setNotFoundHandler((request, reply) => {
    const path = pathOf(request.raw);
    const allowed = new Set(known.filter((route) => route.path.test(path)).map(({ method }) => method));
    if (allowed.size === 0 || allowed.has(request.method)) {
      sendProblem(new Problem('route_not_found', `There is no ${request.method} ${path.slice(0, 200)}.`), request, reply, log);
      return;
    }
    void reply.header('allow', [...allowed].join(', '));
    sendProblem(new Problem('method_not_allowed'), request, reply, log);
  });
}

function requestId(request: IncomingMessage): string {
  const given = request.headers['x-request-id'];
  return typeof given === 'string' && /^[A-Za-z0-9._-]{1,128}$/.test(given) ? given : randomUUID();
}

/** Without the query: it may hold a signature. */
function pathOf(request: IncomingMessage): string {
  return (request.url ?? '/').split('?', 1)[0]!;
}

/** What is not HTTP, or larger or slower than it may be: the same shape, written by hand because there is no request. */
function answerBrokenRequest(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed || !socket.writable) {
    socket.destroy();
    return;
  }
  const problem = brokenRequest(error.code);
  const body = JSON.stringify(problem);
  const headers = Object.entries({ ...problemHeaders(problem.toJSON()), 'content-length': Buffer.byteLength(body), connection: 'close' });
  socket.end(`HTTP/1.1 ${problem.status} ${problem.code}\r\n${headers.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n${body}`);
}

function brokenRequest(code: string | undefined): Problem {
  if (code === 'HPE_HEADER_OVERFLOW') return new Problem('headers_too_large');
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return new Problem('request_timeout');
  return new Problem('invalid_request', 'This is not a request of HTTP/1.1.');
}

/** Keep-alive sockets would hold the server open, and so would followers: the idle ones go at once, the others soon. */
async function closeHttp(app: NestFastifyApplication, fastify: FastifyInstance): Promise<void> {
  const { server } = fastify;
  const idle = setInterval(() => server.closeIdleConnections(), 20);
  const force = setTimeout(() => server.closeAllConnections(), CLOSE_STREAMS_AFTER_MS);
  try {
    await app.close();
  } finally {
    clearInterval(idle);
    clearTimeout(force);
  }
}
