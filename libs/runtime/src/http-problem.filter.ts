import { Catch, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import { problemHeaders, problemOf } from './http-problem.ts';

/** Answers every error as `application/problem+json`; a defect is logged with its cause and told without it. */
@Catch()
export class HttpProblemFilter implements ExceptionFilter {
  constructor(private readonly log: Logger) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    sendProblem(error, http.getRequest<FastifyRequest>(), http.getResponse<FastifyReply>(), this.log);
  }
}

export function sendProblem(error: unknown, request: FastifyRequest, reply: FastifyReply, log: Logger): void {
  const problem = problemOf(error);
  if (problem.code === 'internal_error') log.error({ err: problem.cause ?? problem, request_id: request.id }, 'a request met a defect');
  if (reply.sent || reply.raw.headersSent) {
    reply.raw.destroy();
    return;
  }
  const body = problem.toJSON();
  // Fastify would close at once, and a client that is still sending would see a broken connection instead of this answer. The
  // rest is read and thrown away, for as long as a request may take.
  if (problem.code === 'payload_too_large') void reply.removeHeader('connection');
  void reply.status(problem.status).headers(problemHeaders(body)).send(JSON.stringify(body));
}
