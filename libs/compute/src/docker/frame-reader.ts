import type { OutputTakers, TakeBytes } from '../compute.ts';

const headerBytes = 8;

/**
 * Takes apart the engine's stream of frames: one byte of kind (1 stdout, 2 stderr), three of nothing, four of length, the
 * bytes. Both channels go through one connection, so that a taker that holds its bytes holds the other channel back too, and at
 * last the process.
 */
export class FrameReader {
  readonly #takers: OutputTakers;
  readonly #header = Buffer.alloc(headerBytes);
  #headerLength = 0;
  #left = 0;
  #to: TakeBytes;
  #isStopped = false;

  constructor(takers: OutputTakers) {
    this.#takers = takers;
    this.#to = takers.stdout;
  }

  /** The next bytes of the connection, wherever it cuts them. Throws what a taker throws. */
  readonly take: TakeBytes = (bytes) => {
    for (let at = 0; at < bytes.length && !this.#isStopped;) {
      if (this.#left === 0) {
        at += this.#takeHeader(bytes, at);
        continue;
      }
      const payload = bytes.subarray(at, at + this.#left);
      at += payload.length;
      this.#left -= payload.length;
      const held = this.#to(payload);
      if (held !== undefined) return held.then(() => this.take(bytes.subarray(at)));
    }
  };

  /** Nothing is handed out any more, not even of what is held. */
  stop(): void {
    this.#isStopped = true;
  }

  /** How many bytes of it there were. */
  #takeHeader(bytes: Buffer, at: number): number {
    const copied = bytes.copy(this.#header, this.#headerLength, at);
    this.#headerLength += copied;
    if (this.#headerLength === headerBytes) {
      this.#to = this.#header[0] === 2 ? this.#takers.stderr : this.#takers.stdout;
      this.#left = this.#header.readUInt32BE(4);
      this.#headerLength = 0;
    }
    return copied;
  }
}
