/** Longer than any marked line; a marker that no line end follows within it is output that looks like one. */
const longestLine = 512;
const nothing = Buffer.alloc(0);

/**
 * Finds the line `\x1e<nonce> <words>\n` in a stream of bytes: the head before a run's output and the trailer after it.
 * Bytes before it go on at once; only what may be its beginning is held back.
 */
export class MarkedLine {
  readonly #marker: Buffer;
  #held: Buffer = nothing;
  /** The words of the line; null until it has come. */
  words: string[] | null = null;
  /** What came behind the line. */
  after: Buffer = nothing;

  constructor(nonce: string) {
    this.#marker = Buffer.from(`\x1e${nonce} `);
  }

  /** What has come before the line, except what was returned already. To be called until the line has come; the chunk is only lent. */
  push(chunk: Buffer): Buffer {
    const bytes = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    const start = this.#markerIn(bytes);
    this.#held = start === bytes.length ? nothing : Buffer.from(bytes.subarray(start));
    const end = this.#held.length < this.#marker.length ? -1 : this.#held.indexOf(0x0a);
    if (end >= 0) this.#take(end);
    return bytes.subarray(0, start);
  }

  /** What was held back and turned out to be no marked line, as the stream has ended. */
  rest(): Buffer {
    return this.#held;
  }

  #take(end: number): void {
    this.words = this.#held.toString('latin1', this.#marker.length, end).split(' ');
    this.after = this.#held.subarray(end + 1);
    this.#held = nothing;
  }

  /** Where the marker begins, or might begin at the end; the length when nowhere. */
  #markerIn(bytes: Buffer): number {
    for (let at = bytes.indexOf(this.#marker); at >= 0; at = bytes.indexOf(this.#marker, at + 1)) {
      const line = bytes.subarray(at, at + longestLine);
      if (line.length < longestLine || line.includes(0x0a)) return at;
    }
    const tail = Math.max(0, bytes.length - this.#marker.length + 1);
    for (let at = bytes.indexOf(0x1e, tail); at >= 0; at = bytes.indexOf(0x1e, at + 1)) {
      if (bytes.subarray(at).equals(this.#marker.subarray(0, bytes.length - at))) return at;
    }
    return bytes.length;
  }
}
