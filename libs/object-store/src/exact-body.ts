import { Problem } from '@kgpu/contracts';
import { Readable } from 'node:stream';
import type { Deadline } from './deadline.ts';

/**
 * The source's chunks, which must be `size` bytes in all; else the call fails, as it does with the source's own error. The
 * last chunk is held back until the source has ended, so that a store never gets a whole object from a body that is too
 * long. The deadline runs while the store takes a chunk.
 */
export async function* exactBody(source: AsyncIterable<Uint8Array>, size: number, deadline: Deadline): AsyncGenerator<Uint8Array, void, void> {
  let held: Uint8Array | null = null;
  let seen = 0;
  deadline.pause();
  try {
    for await (const chunk of undestroyed(source)) {
      deadline.signal.throwIfAborted();
      seen += chunk.byteLength;
      if (seen > size) throw new Problem('invalid_request', `The body is longer than the ${size} bytes announced`);
      if (held !== null) yield* handOver(held, deadline);
      held = chunk;
    }
    if (seen !== size) throw new Problem('invalid_request', `The body has ${seen} bytes, ${size} were announced`);
  } catch (error) {
    deadline.fail(error);
    throw error;
  }
  deadline.resume();
  if (held !== null) yield held;
}

function* handOver(chunk: Uint8Array, deadline: Deadline): Generator<Uint8Array, void, void> {
  deadline.resume();
  yield chunk;
  deadline.pause();
}

/** Leaving a loop over a request's body would destroy the socket that the refusal must go out on. */
function undestroyed(source: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  return source instanceof Readable ? source.iterator({ destroyOnReturn: false }) : source;
}

/**
 * What a store sends, as a stream for the caller: exactly `size` bytes or an error. The deadline runs while the store is
 * waited for, and ends with the stream.
 */
export function deliveredBody(source: AsyncIterable<Uint8Array>, size: number, deadline: Deadline, release: () => void): Readable {
  const body = Readable.from(delivered(source, size, deadline), { objectMode: false, highWaterMark: 256 * 1024 });
  const { signal } = deadline;
  const stop = (): void => void body.destroy(signal.reason as Error);
  signal.addEventListener('abort', stop);
  deadline.pause();
  body.once('close', () => {
    signal.removeEventListener('abort', stop);
    deadline.end();
    release();
  });
  if (signal.aborted) stop();
  return body;
}

async function* delivered(source: AsyncIterable<Uint8Array>, size: number, deadline: Deadline): AsyncGenerator<Uint8Array, void, void> {
  let seen = 0;
  deadline.resume();
  try {
    for await (const chunk of source) {
      deadline.pause();
      seen += chunk.byteLength;
      yield chunk;
      deadline.resume();
    }
  } catch (cause) {
    throw cause instanceof Problem ? cause : new Problem('object_store_unavailable', 'The object store broke off', {}, { cause });
  }
  if (seen !== size) throw new Problem('object_store_unavailable', `The object store sent ${seen} of ${size} bytes`);
}
