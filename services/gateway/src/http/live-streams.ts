import { Problem } from '@kgpu/contracts';
import { Readable } from 'node:stream';

const MAX_OPEN = 10_000;

/** Makes a stream for a client that follows something; it must end soon after the signal is aborted. */
export type Produce = (signal: AbortSignal) => AsyncIterable<string | Uint8Array>;

/** The streams that clients follow: nothing is made before the client has taken what was made last, so a slow reader costs nothing. */
export class LiveStreams {
  readonly #open = new Set<AbortController>();
  #closed = false;

  /** @throws Problem `service_unavailable` when too many are open, or at the end. */
  open(produce: Produce): Readable {
    if (this.#closed || this.#open.size >= MAX_OPEN) throw new Problem('service_unavailable', 'No more streams can be followed here now.', { retry_after_seconds: 5 });
    const gone = new AbortController();
    this.#open.add(gone);
    const stream = Readable.from(produce(gone.signal), { objectMode: false });
    stream.once('close', () => {
      this.#open.delete(gone);
      gone.abort();
    });
    return stream;
  }

  /** Ends all of them, between two events: clients go on elsewhere or later. */
  close(): void {
    this.#closed = true;
    for (const gone of this.#open) gone.abort();
  }
}
