import { Readable, type Writable } from 'node:stream';

/**
 * A body of which each piece is made when the one before has gone to the system: its maker may use the memory again, and a client
 * that reads slowly, or never, holds one piece and no more. It can only be piped, and once.
 */
export class LentPieces extends Readable {
  readonly #pieces: AsyncIterable<string | Uint8Array>;
  #goOn: () => void = () => {};

  constructor(pieces: AsyncIterable<string | Uint8Array>) {
    super();
    this.#pieces = pieces;
    this.once('close', () => this.#goOn());
  }

  override pipe<T extends NodeJS.WritableStream>(destination: T): T {
    void this.#sendTo(destination as unknown as Writable);
    return destination;
  }

  /** Nothing is read ahead. */
  override _read(): void {}

  async #sendTo(destination: Writable): Promise<void> {
    try {
      for await (const piece of this.#pieces) {
        await this.#write(destination, piece);
        if (this.destroyed || destination.destroyed) return;
      }
    } catch (error) {
      this.destroy(error as Error);
    }
    if (this.destroyed) return;
    destination.end();
    this.push(null);
    this.resume();
  }

  /** Resolves when the piece has gone, or whoever wanted it. */
  #write(destination: Writable, piece: string | Uint8Array): Promise<void> {
    return new Promise((resolve) => {
      this.#goOn = resolve;
      // Of a string the system would be given room for three times its length.
      destination.write(typeof piece === 'string' ? Buffer.from(piece) : piece, () => resolve());
      if (this.destroyed) resolve();
    });
  }
}
