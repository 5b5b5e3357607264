import { buffer } from 'node:stream/consumers';
import type { ObjectContent } from '../object-store.ts';

/** A body of these chunks. */
export async function* bodyOf(...chunks: (string | Uint8Array)[]): AsyncGenerator<Uint8Array, void, void> {
  for (const chunk of chunks) yield Buffer.from(chunk);
}

/** Some chunks, then the client is gone. */
export async function* cutBody(...chunks: string[]): AsyncGenerator<Uint8Array, void, void> {
  yield* bodyOf(...chunks);
  throw new Error('the client is gone');
}

/** What the object holds, as text; null stays null. */
export async function textOf(content: ObjectContent | null): Promise<string | null> {
  if (content === null) return null;
  return (await buffer(content.body)).toString();
}
