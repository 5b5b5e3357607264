import { Readable } from 'node:stream';
import type { Deadline } from '../deadline.ts';
import { exactBody } from '../exact-body.ts';

/** Sends a body of exactly this size. When it fails the call's signal aborts, so the store never sees its end. */
export async function withBody<T>(source: AsyncIterable<Uint8Array>, size: number, deadline: Deadline, send: (body: Readable | Uint8Array) => Promise<T>): Promise<T> {
  const chunks = exactBody(source, size, deadline);
  if (size === 0) {
    for await (const _ of chunks);
    return send(new Uint8Array());
  }
  const body = Readable.from(chunks, { objectMode: false, highWaterMark: 256 * 1024 });
  // The call fails by the signal; nobody else listens once the SDK has given up.
  body.on('error', () => {});
  try {
    return await send(body);
  } finally {
    body.destroy();
  }
}
