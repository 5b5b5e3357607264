/** A request's body, as long as it keeps coming. */
import { Problem } from '@kgpu/contracts';
import type { IncomingMessage } from 'node:http';

export const IDLE_MS = 60_000;

/**
 * The chunks. A body may take hours, but nothing may come for `idleMs` only. Leaving it early keeps the connection.
 * @throws Problem `request_timeout`; `invalid_request` when the client is gone
 */
export async function* steadyBody(request: IncomingMessage, idleMs = IDLE_MS): AsyncGenerator<Uint8Array, void, void> {
  const chunks = request.iterator({ destroyOnReturn: false }) as AsyncIterator<Uint8Array>;
  for (;;) {
    const { done, value } = await withinIdle(chunks.next(), idleMs);
    if (done === true) return;
    yield value;
  }
}

async function withinIdle<T>(next: Promise<T>, idleMs: number): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  const timer = setTimeout(() => reject(new Problem('request_timeout', `Nothing of the body came for ${idleMs / 1_000} s.`)), idleMs);
  next.then(resolve, (cause: unknown) => reject(new Problem('invalid_request', 'The body broke off.', {}, { cause })));
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
  }
}
