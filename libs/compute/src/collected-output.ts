import type { OutputTakers } from './compute.ts';

/** The output of a short command, kept whole. */
export class CollectedOutput implements OutputTakers {
  readonly #parts: Record<'out' | 'err', Buffer[]> = { out: [], err: [] };

  readonly stdout = (bytes: Buffer): void => void this.#parts.out.push(Buffer.from(bytes));
  readonly stderr = (bytes: Buffer): void => void this.#parts.err.push(Buffer.from(bytes));

  get out(): Buffer {
    return Buffer.concat(this.#parts.out);
  }

  get err(): Buffer {
    return Buffer.concat(this.#parts.err);
  }

  /** What was said on one channel, then what on the other. */
  get text(): string {
    return `${this.out.toString()}${this.err.toString()}`;
  }
}
