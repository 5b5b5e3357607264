import { Problem } from '@kgpu/contracts';
import type { Readable } from 'node:stream';
import { LentPieces } from './lent-pieces.ts';

const MAX_OPEN = 10_000;

/** Makes a stream for a client that follows something; it must end soon after the signal is aborted. */
export type Produce = (signal: AbortSignal) => AsyncIterable<string | Uint8Array>;

/** The streams that clients follow: nothing is made before the client has taken what was made last, so a slow reader costs nothing. */
export class LiveStreams {
  readonly #open = new Set<AbortController>();
  readonly #turns = new Turns();
  #closed = false;

  /** @throws Problem `service_unavailable` when too many are open, or at the end. */
  open(produce: Produce): Readable {
    if (this.#closed || this.#open.size >= MAX_OPEN) throw new Problem('service_unavailable', 'No more streams can be followed here now.', { retry_after_seconds: 5 });
    const gone = new AbortController();
    this.#open.add(gone);
    const stream = new LentPieces(this.#inTurns(produce(gone.signal)));
    stream.once('close', () => {
      this.#open.delete(gone);
      gone.abort();
    });
    return stream;
  }

  /** One piece of one stream, then everybody else: who catches up with a lot keeps nobody waiting. */
  async *#inTurns(pieces: AsyncIterable<string | Uint8Array>): AsyncGenerator<string | Uint8Array> {
    for await (const piece of pieces) {
      yield piece;
      await this.#turns.next();
    }
  }

  /** Ends all of them, between two events: clients go on elsewhere or later. */
  close(): void {
    this.#closed = true;
    for (const gone of this.#open) gone.abort();
  }
}

/** Lets those who wait go on one by one, with everything else that the process has to do in between. */
class Turns {
  readonly #waiting: (() => void)[] = [];

  next(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#waiting.push(resolve) === 1) setImmediate(this.#letOneGo);
    });
  }

  readonly #letOneGo = (): void => {
    this.#waiting.shift()?.();
    if (this.#waiting.length > 0) setImmediate(this.#letOneGo);
  };
}
