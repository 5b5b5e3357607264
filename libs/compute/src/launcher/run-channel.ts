import { MarkedLine } from './marked-line.ts';

export type RunStream = 'stdout' | 'stderr';

/** Bytes that have been recorded already, per stream. */
export interface RunOffsets {
  stdout: number;
  stderr: number;
}

export interface RunHandlers {
  /** Once per call, when the command is known to have begun; `startedAt` by the container's clock, in wall-clock time. */
  onStarted?(started: { pid: number; startedAt: Date }): void | Promise<void>;
  /**
   * `bytes` begin at `offset`. They are handed over in order and without a gap, except where `onTruncated` told of one, and are only
   * lent: until it returns, or until its promise resolves.
   */
  onOutput(stream: RunStream, offset: number, bytes: Buffer): void | Promise<void>;
  /** The container has dropped everything before this offset (its cap): output goes on there. */
  onTruncated?(stream: RunStream, before: number): void | Promise<void>;
  /** Lets go of the run: the call ends with `cut`, the run goes on. */
  signal?: AbortSignal;
}

/** The bytes of one stream of a run, from the head to the trailer, each with its offset. */
export class RunChannel {
  readonly #trailer: MarkedLine;
  #offset: number;
  /** Bytes that were recorded already: a container that can't seek sends them again. */
  #skip: number;

  constructor(readonly stream: RunStream, readonly asked: number, given: number, nonce: string, readonly handlers: RunHandlers) {
    this.#trailer = new MarkedLine(nonce);
    this.#offset = Math.max(asked, given);
    this.#skip = Math.max(0, asked - given);
  }

  async begin(): Promise<void> {
    if (this.#offset > this.asked) await this.handlers.onTruncated?.(this.stream, this.#offset);
  }

  /** The trailer has come: what follows it is ignored. */
  get isEnded(): boolean {
    return this.#trailer.words !== null;
  }

  push(bytes: Buffer): void | Promise<void> {
    if (!this.isEnded) return this.#hand(this.#trailer.push(bytes));
  }

  /** The words of the trailer; null when the channel ended without. */
  async finish(): Promise<string[] | null> {
    if (!this.isEnded) await this.#hand(this.#trailer.rest());
    return this.#trailer.words;
  }

  #hand(bytes: Buffer): void | Promise<void> {
    const fresh = bytes.subarray(Math.min(this.#skip, bytes.length));
    this.#skip -= bytes.length - fresh.length;
    if (fresh.length === 0) return;
    const offset = this.#offset;
    this.#offset += fresh.length;
    return this.handlers.onOutput(this.stream, offset, fresh);
  }
}
