/** Routes that stream bodies themselves: which requests are for one, and what else they are spared. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Problem } from '@kgpu/contracts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The route reads its body itself, for as long as it likes. */
    bodyUnread?: boolean;
  }
}

const waiting = new WeakSet<IncomingMessage>();

/**
 * For `prepare` of `startHttp`: the routes that `define` makes get every body unread, of any type and length; their handlers
 * stream `request.raw` themselves, and bound it. A client that waits for 100 waits on (`awaitsContinue`).
 */
export function leaveBodiesUnread(fastify: FastifyInstance, define: (scope: FastifyInstance) => void): void {
  void fastify.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', (_request, _payload, done) => done(null));
    scope.addHook('onRoute', (route) => {
      route.config = { ...route.config, bodyUnread: true };
    });
    define(scope);
  });
}

/** The client sends the body once it is told to: `letContinue`. */
export function awaitsContinue(request: IncomingMessage): boolean {
  return waiting.has(request);
}

/** Tells a client that waits for it to send the body. */
export function letContinue(request: IncomingMessage, response: ServerResponse): void {
  if (waiting.delete(request)) response.writeContinue();
}

/** Nothing is promised to a client that asks before it sends, until its route is known. */
export function continueWhereBodiesAreRead(fastify: FastifyInstance): void {
  fastify.server.on('checkContinue', (request: IncomingMessage, response) => {
    waiting.add(request);
    fastify.server.emit('request', request, response);
  });
  fastify.addHook('preParsing', (request, reply, _payload, done) => {
    if (!readsItself(request)) letContinue(request.raw, reply.raw);
    done();
  });
}

/**
 * A body that is read here must be there in time; node's own limit (`requestTimeout`) is the same for all routes, and would cut
 * the uploads of hours.
 */
export function limitBodyTime(fastify: FastifyInstance, ms: number, refuse: (error: Problem, request: FastifyRequest, reply: FastifyReply) => void): void {
  fastify.addHook('onRequest', (request, reply, done) => {
    if (hasBody(request.raw) && !readsItself(request)) {
      const timer = setTimeout(() => {
        if (request.raw.complete) return;
        void reply.header('connection', 'close');
        if (!reply.sent) refuse(new Problem('request_timeout'), request, reply);
        else request.raw.destroy();
      }, ms).unref();
      request.raw.once('close', () => clearTimeout(timer));
    }
    done();
  });
}

export function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}

function readsItself({ routeOptions }: FastifyRequest): boolean {
  return routeOptions.config.bodyUnread === true;
}
