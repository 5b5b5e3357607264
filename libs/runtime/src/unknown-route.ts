import type { IncomingMessage } from 'node:http';
import { Problem } from '@kgpu/contracts';
import type { FastifyInstance } from 'fastify';
import type { Logger } from 'pino';
import { sendProblem } from './http-problem.filter.ts';

/** A known path with another method is 405 with `Allow`; any other is 404. */
export function answerUnknown(fastify: FastifyInstance, log: Logger): void {
  const known: { method: string; path: RegExp }[] = [];
  fastify.addHook('onRoute', ({ method, url }) => {
    for (const name of [method].flat()) known.push({ method: name, path: patternOf(url) });
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

/** Without the query: it may hold a signature. */
export function pathOf(request: IncomingMessage): string {
  return (request.url ?? '/').split('?', 1)[0]!;
}

/** `/v1/gpus/:gpu_id` → what a path must look like to be meant by it; `*` at the end stands for any rest. */
function patternOf(url: string): RegExp {
  const part = (text: string) => (text.startsWith(':') ? '[^/]+' : text === '*' ? '.*' : RegExp.escape(text));
  return new RegExp(`^${url.split('/').map(part).join('/')}/?$`);
}
