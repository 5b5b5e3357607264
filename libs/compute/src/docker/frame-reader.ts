import { Readable } from 'node:stream';

const headerBytes = 8;

/**
 * Takes apart the engine's stream of frames: one byte of kind (1 stdout, 2 stderr), three of nothing, four of length, the
 * bytes. Both go through one connection, so that a reader that doesn't read its stream holds the other back too, and at
 * last the process; a destroyed stream's bytes are thrown away.
 */
export class FrameReader {
  readonly stdout = new HeldReadable();
  readonly stderr = new HeldReadable();
  #held: Buffer = Buffer.alloc(0);
  #left = 0;
  #to: HeldReadable = this.stdout;

  /** Resolves when the connection has ended, however it did; both streams have ended then. */
  async read(connection: Readable, head: Buffer = Buffer.alloc(0)): Promise<void> {
    try {
      await this.#take(head);
      for await (const chunk of connection) await this.#take(chunk as Buffer);
    } catch {
      // a connection that is cut ends the streams: whoever reads knows whether the end was there
    } finally {
      this.stdout.push(null);
      this.stderr.push(null);
    }
  }

  async #take(chunk: Buffer): Promise<void> {
    let bytes = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    while (this.#left > 0 ? bytes.length > 0 : bytes.length >= headerBytes) {
      if (this.#left === 0) {
        this.#to = bytes[0] === 2 ? this.stderr : this.stdout;
        this.#left = bytes.readUInt32BE(4);
        bytes = bytes.subarray(headerBytes);
        continue;
      }
      const payload = bytes.subarray(0, this.#left);
      this.#left -= payload.length;
      bytes = bytes.subarray(payload.length);
      await this.#to.hand(payload);
    }
    this.#held = bytes;
  }
}

/** A Readable that tells whoever fills it to wait. */
class HeldReadable extends Readable {
  #wanted: (() => void) | null = null;

  override _read(): void {
    this.#wanted?.();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#wanted?.();
    done(error);
  }

  async hand(bytes: Buffer): Promise<void> {
    if (this.destroyed || this.push(bytes)) return;
    await new Promise<void>((resolve) => {
      this.#wanted = resolve;
      if (this.destroyed) resolve();
    });
    this.#wanted = null;
  }
}
