/** How the bodies of requests are read. */
import { Problem } from '@kgpu/contracts';
import type { FastifyInstance } from 'fastify';

/** Only JSON is read; an empty body is none. Anything else is 415, so that no body is ever taken for something it is not. */
export function acceptJsonOnly(fastify: FastifyInstance): void {
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
