/** Cuts a body of chunks into parts. */
export class MeasuredBody {
  readonly #chunks: AsyncIterator<Uint8Array>;
  #rest: Uint8Array | null = null;
  #ended = false;

  constructor(body: AsyncIterable<Uint8Array>) {
    this.#chunks = body[Symbol.asyncIterator]();
  }

  /** At most `size` bytes, kept in memory: fewer only at the body's end. */
  async collect(size: number): Promise<Uint8Array[]> {
    const collected: Uint8Array[] = [];
    for await (const chunk of this.take(size)) collected.push(chunk);
    return collected;
  }

  /** The next `size` bytes as they come; fewer only at the body's end. */
  async *take(size: number): AsyncGenerator<Uint8Array, void, void> {
    for (let left = size; left > 0;) {
      const chunk = await this.#next();
      if (chunk === null) return;
      if (chunk.byteLength > left) this.#rest = chunk.subarray(left);
      const piece = chunk.subarray(0, left);
      left -= piece.byteLength;
      yield piece;
    }
  }

  /** Nothing is left. */
  async isEmpty(): Promise<boolean> {
    this.#rest = await this.#next();
    return this.#rest === null;
  }

  async #next(): Promise<Uint8Array | null> {
    const rest = this.#rest;
    this.#rest = null;
    if (rest !== null) return rest;
    while (!this.#ended) {
      const { done, value } = await this.#chunks.next();
      if (done === true) this.#ended = true;
      else if (value.byteLength > 0) return value;
    }
    return null;
  }
}

export function bytesIn(chunks: readonly Uint8Array[]): number {
  return chunks.reduce((sum, { byteLength }) => sum + byteLength, 0);
}
