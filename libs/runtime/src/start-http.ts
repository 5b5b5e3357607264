/** Nest on Fastify, hardened once: bounds on everything that a client can send, one shape for every error, an end that does not hang. */
import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { ConfigError, Problem } from '@kgpu/contracts';
import type { DynamicModule } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import { answerBrokenRequest } from './broken-request.ts';
import { acceptJsonOnly } from './http-bodies.ts';
import { HttpProblemFilter, sendProblem } from './http-problem.filter.ts';
import { nestLog } from './nest-log.ts';
import type { RunningService } from './service.ts';
import { SideDoor, type SideNetwork } from './side-door.ts';
import { readTraceparent, traceFields, withTrace } from './trace.ts';
import { answerUnknown, pathOf } from './unknown-route.ts';
import { continueWhereBodiesAreRead, limitBodyTime } from './unread-bodies.ts';

/** A command of 1 MiB with its JSON escapes fits. */
export const MAX_BODY_BYTES = 4 * 1024 * 1024;
const HEADERS_TIMEOUT_MS = 20_000;
const BODY_TIMEOUT_MS = 60_000;
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
  /** How long a body that is read here may take. Default: a minute. */
  bodyTimeoutMs?: number;
  /** The routes that answer to who comes in by the side door, by their patterns. Default: all. */
  sideDoorRoutes?: (pattern: string) => boolean;
}

export interface HttpServer extends RunningService {
  /** `http://host:port`, for clients on this machine. */
  url: string;
  /** Answers on this network, too, at the same port; see `SideDoor`. */
  openSideDoor(network: SideNetwork): Promise<boolean>;
}

/** @throws ConfigError when it can't listen there for a reason that an operator can put right. */
export async function startHttp({ module, host, port, log, prepare, bodyTimeoutMs = BODY_TIMEOUT_MS, sideDoorRoutes = () => true }: HttpOptions): Promise<HttpServer> {
  const adapter = new FastifyAdapter({
    bodyLimit: MAX_BODY_BYTES,
    genReqId: requestId,
    requestIdHeader: false,
    logger: false,
    keepAliveTimeout: KEEP_ALIVE_MS,
    // Said per route: `limitBodyTime`.
    requestTimeout: 0,
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
  limitBodyTime(fastify, bodyTimeoutMs, (error, request, reply) => sendProblem(error, request, reply, log));
  continueWhereBodiesAreRead(fastify);
  const sideDoor = new SideDoor(fastify.server);
  fastify.addHook('onRequest', (request, _reply, done) => {
    const closed = sideDoor.has(request.raw.socket) && !sideDoorRoutes(request.routeOptions.url ?? '');
    done(closed ? new Problem('route_not_found') : undefined);
  });
  // Fastify would read a stream to its end for a client that takes nothing of it, and what follows something has none.
  fastify.addHook('onSend', (request, _reply, payload, done) => {
    if (request.method === 'HEAD' && payload instanceof Readable) payload.destroy();
    done();
  });
  // Right before the handler: older Nodes lose the context of earlier hooks while they read a body.
  fastify.addHook('preHandler', (request, _reply, done) => withTrace(traceOf(request), done));
  fastify.addHook('onResponse', (request, reply, done) => {
    const { id: request_id, method, raw } = request;
    log.info({ request_id, ...traceFields(traceOf(request)), method, path: pathOf(raw), status: reply.statusCode, ms: Math.round(reply.elapsedTime) }, 'request');
    done();
  });
  // Node would answer 417 without a body to an `Expect` that it does not know; a server may ignore it (RFC 9110, 10.1.1).
  fastify.server.on('checkExpectation', (request, response) => fastify.server.emit('request', request, response));
  answerUnknown(fastify, log);
  fastify.setErrorHandler((error, request, reply) => sendProblem(error, request, reply, log));
  // Nest would set those of its own, and Fastify takes only one of each.
  adapter.setNotFoundHandler = () => adapter.getInstance();
  adapter.setErrorHandler = () => adapter.getInstance();
  prepare?.(fastify);
  const app = await NestFactory.create<NestFastifyApplication>(module, adapter, { logger: nestLog(log), abortOnError: false, bodyParser: false });
  acceptJsonOnly(fastify);
  app.useGlobalFilters(new HttpProblemFilter(log));
  await app.init();
  await app.listen(port, host).catch((error: unknown) => {
    throw cannotListen(error, host, port) ?? error;
  });
  const address = fastify.server.address();
  const listening = typeof address === 'object' && address !== null ? address.port : port;
  let closing: Promise<void> | null = null;
  return {
    url: `http://${clientHost(host)}:${listening}`,
    openSideDoor: (network) => sideDoor.open(network, listening),
    close: () => (closing ??= closeHttp(app, fastify, sideDoor)),
  };
}

/** What an operator can put right about the address. */
function cannotListen(error: unknown, host: string, port: number): ConfigError | null {
  const reasons: Record<string, string> = {
    EADDRINUSE: 'another program listens there; choose another port, or 0 for a free one',
    EADDRNOTAVAIL: 'this machine has no such address',
    EACCES: 'listening there needs more rights; choose a port above 1023',
  };
  const reason = reasons[(error as NodeJS.ErrnoException).code ?? ''];
  return reason === undefined ? null : new ConfigError(`KGPU_HOST, KGPU_PORT: can't listen on ${host}:${port}: ${reason}.`, { cause: error });
}

/** "Every address" is none that a client can use. */
function clientHost(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1';
  if (host === '::') return '[::1]';
  return host.includes(':') ? `[${host}]` : host;
}

function traceOf({ headers }: FastifyRequest): string | undefined {
  return readTraceparent(headers['traceparent']);
}

function requestId(request: IncomingMessage): string {
  const given = request.headers['x-request-id'];
  return typeof given === 'string' && /^[A-Za-z0-9._-]{1,128}$/.test(given) ? given : randomUUID();
}

/** Keep-alive sockets would hold the server open, and so would followers: the idle ones go at once, the others soon. */
async function closeHttp(app: NestFastifyApplication, fastify: FastifyInstance, sideDoor: SideDoor): Promise<void> {
  const { server } = fastify;
  const idle = setInterval(() => server.closeIdleConnections(), 20);
  const force = setTimeout(() => server.closeAllConnections(), CLOSE_STREAMS_AFTER_MS);
  try {
    await Promise.all([app.close(), sideDoor.close()]);
  } finally {
    clearInterval(idle);
    clearTimeout(force);
  }
}
