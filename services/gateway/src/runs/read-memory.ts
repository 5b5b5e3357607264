/** What a chunk of a quick command has; one that has more gets memory of its own. */
const CHUNK_BYTES = 65_536;
/** So many readers may read several chunks at once: those of clients that never go on keep theirs. */
const MOST_LARGE = 32;
const LARGE_CHUNKS = 4;

let large = 0;

/** The memory of one reader of output: none for small chunks, that of one chunk, or of a few while not many have so much. */
export class ReadMemory {
  #memory: Buffer | null = null;

  /** How much to read next, and into what. */
  get forNext(): { limit: number; into?: Buffer } {
    return this.#memory === null ? { limit: 1 } : { limit: this.#memory.length / CHUNK_BYTES, into: this.#memory };
  }

  /** A chunk was so long: more like it are likely to follow. */
  seen(bytes: number): void {
    if (this.#memory !== null || bytes <= CHUNK_BYTES / 2) return;
    const isLarge = large < MOST_LARGE;
    if (isLarge) large++;
    this.#memory = Buffer.allocUnsafeSlow(isLarge ? LARGE_CHUNKS * CHUNK_BYTES : CHUNK_BYTES);
  }

  /** A repeat does nothing. */
  letGo(): void {
    if (this.#memory !== null && this.#memory.length > CHUNK_BYTES) large--;
    this.#memory = null;
  }
}
