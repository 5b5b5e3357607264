/** A body cut into the parts of an upload. */
import { Problem } from '@kgpu/contracts';
import { bytesIn, type MeasuredBody } from './measured-body.ts';

export interface BodyPart {
  chunks: AsyncIterable<Uint8Array>;
  size: number;
}

export interface Cut {
  partBytes: number;
  /** Of the whole body; null: not known. */
  size: number | null;
  /** What of the body has been read already. */
  first?: readonly Uint8Array[];
}

/** One after the other; each must be read before the next. One whose size is known is passed on as it comes, else it is kept until it is whole. */
export async function* partsOf(body: MeasuredBody, { partBytes, size, first = [] }: Cut): AsyncGenerator<BodyPart, void, void> {
  if (size !== null) {
    for (let left = size; left > 0; left -= partBytes) yield { chunks: body.take(Math.min(left, partBytes)), size: Math.min(left, partBytes) };
    if (!(await body.isEmpty())) throw new Problem('invalid_request', `The body is longer than the ${size} bytes announced.`);
    return;
  }
  let chunks = [...first, ...(await body.collect(partBytes - bytesIn(first)))];
  while (chunks.length > 0) {
    yield { chunks: chunksOf(chunks), size: bytesIn(chunks) };
    chunks = await body.collect(partBytes);
  }
}

export async function* chunksOf(chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array, void, void> {
  yield* chunks;
}
