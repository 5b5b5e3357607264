/**
 * Reads what a run wrote from the record. Each channel has a stream of its own, `runoutput-<run_id>.<channel>`; offsets are
 * bytes from its beginning. Bytes that were dropped before they could be recorded leave a gap in the offsets.
 */
import { eventCodec, type OutputEvent } from '@kgpu/contracts';
import type { EventStore, RecordedEvent } from '@kgpu/event-store';

export const channels = ['stdout', 'stderr'] as const;
export type Channel = (typeof channels)[number];

/** Consecutive bytes of a channel. */
export interface Piece {
  channel: Channel;
  /** Of the first byte. */
  offset: number;
  bytes: Buffer;
  /** Place in the record, over both channels. */
  position: number;
}

/** Reads a channel forwards, one event at a time: a reader that is slow holds no more than that. */
export class ChannelReader {
  #revision: number | null = null;

  constructor(
    private readonly store: EventStore,
    private readonly runId: string,
    private readonly channel: Channel,
    /** Bytes before this offset are left out. */
    private readonly from = 0,
  ) {}

  /** The next bytes on record; null when there are no more for now. */
  async next(): Promise<Piece | null> {
    this.#revision ??= await this.#revisionOf(this.from);
    const piece = await this.#read(this.#revision);
    if (piece === null) return null;
    this.#revision++;
    const before = Math.max(0, this.from - piece.offset);
    if (before >= piece.bytes.length && piece.bytes.length > 0) return this.next();
    return before === 0 ? piece : { ...piece, offset: piece.offset + before, bytes: piece.bytes.subarray(before) };
  }

  /** Where the record of the channel ends now. */
  async end(): Promise<number> {
    const [last] = await this.store.read(this.#stream, { backwards: true, limit: 1 });
    return last === undefined ? 0 : endOf(this.#piece(last));
  }

  /** The revision of the event that holds a byte, by halving: the record may be long. */
  async #revisionOf(offset: number): Promise<number> {
    if (offset === 0) return 0;
    const [last] = await this.store.read(this.#stream, { backwards: true, limit: 1 });
    let low = 0;
    let high = last === undefined ? 0 : last.revision + 1;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const piece = await this.#read(middle);
      if (piece !== null && endOf(piece) <= offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  async #read(revision: number): Promise<Piece | null> {
    const [event] = await this.store.read(this.#stream, { from: revision, limit: 1 });
    return event === undefined ? null : this.#piece(event);
  }

  #piece(recorded: RecordedEvent): Piece {
    const { offset, text, base64 = '' } = eventCodec.decode<OutputEvent>(recorded).data;
    return { channel: this.channel, offset, bytes: text === undefined ? Buffer.from(base64, 'base64') : Buffer.from(text), position: recorded.position };
  }

  get #stream(): string {
    return `runoutput-${this.runId}.${this.channel}`;
  }
}

/** Reads both channels in the order of the record, which is the same for every reader. */
export class BothReader {
  readonly #readers: ChannelReader[];
  readonly #heads: (Piece | null)[];

  constructor(readers: ChannelReader[]) {
    this.#readers = readers;
    this.#heads = readers.map(() => null);
  }

  async next(): Promise<Piece | null> {
    await this.#fill();
    // What was recorded before the head of one channel is to be seen by now, but may not have been when the other was looked at.
    if (this.#heads.includes(null) && this.#heads.some((head) => head !== null)) await this.#fill();
    const first = this.#heads.reduce((a, b) => (a === null || (b !== null && b.position < a.position) ? b : a), null);
    if (first !== null) this.#heads[this.#heads.indexOf(first)] = null;
    return first;
  }

  async end(): Promise<number> {
    const ends = await Promise.all(this.#readers.map((reader) => reader.end()));
    return ends.reduce((sum, end) => sum + end, 0);
  }

  async #fill(): Promise<void> {
    for (const [n, reader] of this.#readers.entries()) this.#heads[n] ??= await reader.next();
  }
}

function endOf({ offset, bytes }: Piece): number {
  return offset + bytes.length;
}
