/**
 * Reads what a run wrote from the record. Each channel has a stream of its own, `runoutput-<run_id>.<channel>`; offsets are
 * bytes from its beginning. Bytes that were dropped before they could be recorded leave a gap in the offsets; the oldest ones may
 * be taken away at any time, also while somebody reads.
 */
import { eventCodec, type OutputEvent } from '@kgpu/contracts';
import type { EventStore, RecordedEvent } from '@kgpu/event-store';

export const channels = ['stdout', 'stderr'] as const;
export type Channel = (typeof channels)[number];

/** Consecutive bytes of a channel. */
export interface Piece {
  channel: Channel;
  /** Of the first byte in its channel. */
  offset: number;
  bytes: Buffer;
  /** Place in the record, over both channels. */
  position: number;
  revision: number;
  /** Bytes of the channel before it that never came on record. */
  skipped: number;
  /** It does not begin where the piece before it ended: bytes in between never came on record. */
  isAfterGap: boolean;
  /** Bytes between it and the piece before were taken away while we read. */
  isCut: boolean;
}

/** What there is of a stream of bytes. */
export interface Extent {
  /** From here on everything is on record, until `end`. */
  begin: number;
  end: number;
  /** Where the record ends now: after `end` when there is a gap in between. */
  size: number;
  /** Some bytes in between never came on record, and where is not known. */
  hasGaps: boolean;
}

/** Reads a channel forwards, one event at a time: a reader that is slow holds no more than that. */
export class ChannelReader {
  #revision: number | null = null;
  #last: { end: number; skipped: number } | null = null;

  constructor(
    private readonly store: EventStore,
    private readonly runId: string,
    readonly channel: Channel,
    /** Bytes before this offset are left out. */
    private readonly from = 0,
  ) {}

  /** The next bytes on record; null when there are no more for now. */
  async next(): Promise<Piece | null> {
    this.#revision ??= await this.revisionOf((piece) => endOf(piece) > this.from);
    const piece = await this.at(this.#revision);
    if (piece === null) return null;
    this.#revision = piece.revision + 1;
    const isAfterGap = this.#last !== null && piece.offset !== this.#last.end;
    const isCut = this.#last !== null && piece.offset - this.#last.end !== piece.skipped - this.#last.skipped;
    this.#last = { end: endOf(piece), skipped: piece.skipped };
    const before = Math.max(0, this.from - piece.offset);
    if (before >= piece.bytes.length && piece.bytes.length > 0) return this.next();
    return { ...piece, isAfterGap, isCut, offset: piece.offset + before, bytes: piece.bytes.subarray(before) };
  }

  /** Goes to the piece that holds `offset`, or to what comes after; says at which offset it begins: later when that is gone. */
  async seek(offset: number): Promise<number> {
    const revision = await this.revisionOf((piece) => endOf(piece) > offset);
    this.moveTo(revision);
    const piece = await this.at(revision);
    // Not there yet: it will be where the record ends now, or after.
    return piece?.offset ?? (await this.extent()).end;
  }

  /** Goes on with the event of this revision. */
  moveTo(revision: number): void {
    this.#revision = revision;
    this.#last = null;
  }

  async extent(): Promise<Extent> {
    const [first, last] = [await this.first(), await this.last()];
    const size = last === null ? 0 : endOf(last);
    return { begin: first?.offset ?? 0, end: size, size, hasGaps: (last?.skipped ?? 0) > (first?.skipped ?? 0) };
  }

  /** What is on record without a gap from `offset` on, or from what comes next after it. */
  async stretch(offset: number): Promise<Extent> {
    const whole = await this.extent();
    const piece = await this.at(await this.revisionOf((each) => endOf(each) > offset));
    if (!whole.hasGaps || piece === null) return { ...whole, hasGaps: false };
    const after = await this.revisionOf((each) => each.skipped > piece.skipped);
    const [last] = await this.store.read(this.#stream, { from: after - 1, backwards: true, limit: 1 });
    return { begin: Math.max(offset, piece.offset), end: last === undefined ? whole.size : endOf(this.#piece(last)), size: whole.size, hasGaps: false };
  }

  first(): Promise<Piece | null> {
    return this.at(0);
  }

  async last(): Promise<Piece | null> {
    const [last] = await this.store.read(this.#stream, { backwards: true, limit: 1 });
    return last === undefined ? null : this.#piece(last);
  }

  /** The first revision from which on `isWanted` holds, by halving: the record may be long. */
  async revisionOf(isWanted: (piece: Piece) => boolean | Promise<boolean>): Promise<number> {
    let low = (await this.first())?.revision ?? 0;
    let high = ((await this.last())?.revision ?? -1) + 1;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const piece = await this.at(middle);
      if (piece !== null && !(await isWanted(piece))) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Where the channel stood when the record was at `position`: the end of its last piece before, or the beginning of what is left. */
  async offsetBefore(position: number): Promise<{ offset: number; revision: number }> {
    const revision = await this.revisionOf((piece) => piece.position > position);
    const [before] = revision === 0 ? [] : await this.store.read(this.#stream, { from: revision - 1, backwards: true, limit: 1 });
    if (before !== undefined) return { offset: endOf(this.#piece(before)), revision };
    return { offset: (await this.at(revision))?.offset ?? 0, revision };
  }

  /** The piece of a revision, or the first one after it when it has been taken away. */
  async at(revision: number): Promise<Piece | null> {
    const [event] = await this.store.read(this.#stream, { from: revision, limit: 1 });
    return event === undefined ? null : this.#piece(event);
  }

  #piece(recorded: RecordedEvent): Piece {
    const { offset, skipped, text, base64 = '' } = eventCodec.decode<OutputEvent>(recorded).data;
    const bytes = text === undefined ? Buffer.from(base64, 'base64') : Buffer.from(text);
    return { channel: this.channel, offset, bytes, position: recorded.position, revision: recorded.revision, skipped, isAfterGap: false, isCut: false };
  }

  get #stream(): string {
    return `runoutput-${this.runId}.${this.channel}`;
  }
}

export function endOf({ offset, bytes }: Pick<Piece, 'offset' | 'bytes'>): number {
  return offset + bytes.length;
}
