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
      done(null, JSON.parse(text as string, harmless));
    } catch (cause) {
      done(new Problem('invalid_json', cause instanceof Error ? cause.message.slice(0, 200) : undefined), undefined);
    }
  });
}

/**
 * A key `__proto__` must not become a prototype anywhere. Half a surrogate pair is no character: a program would not get it as it
 * is, and an answer that tells it again is no JSON to strict readers (RFC 7493, 2.1).
 */
function harmless(key: string, value: unknown): unknown {
  if (!key.isWellFormed() || (typeof value === 'string' && !value.isWellFormed())) throw new SyntaxError('Half a surrogate pair in a string');
  return key === '__proto__' ? undefined : value;
}
