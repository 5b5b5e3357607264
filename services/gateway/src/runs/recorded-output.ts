/**
 * Reads what a run wrote from the record. Each channel has a stream of its own, `runoutput-<run_id>.<channel>`; offsets are
 * bytes from its beginning. Bytes that were dropped before they could be recorded leave a gap in the offsets; the oldest ones may
 * be taken away at any time, also while somebody reads.
 */
import { eventCodec, outputStream, type OutputChannel, type OutputEvent } from '@kgpu/contracts';
import type { EventStore, RecordedEvent } from '@kgpu/event-store';
import { ReadMemory } from './read-memory.ts';

/** Where consecutive bytes of a channel are. */
export interface Span {
  /** Of the first byte in its channel. */
  offset: number;
  /** Of the byte behind the last. */
  end: number;
  /** Place in the record, over both channels. */
  position: number;
  revision: number;
  /** Bytes of the channel before it that never came on record. */
  skipped: number;
}

/** Consecutive bytes of a channel. They are only lent: the reader's next piece may take their place. */
export interface Piece extends Span {
  channel: OutputChannel;
  bytes: Buffer;
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

/** Reads a channel forwards. It holds one event, or the few that its memory has room for; to be closed when it is not read to the end. */
export class ChannelReader {
  #revision: number | null = null;
  /** For one piece after the other, while there are any that are worth it. */
  readonly #memory = new ReadMemory();
  #ahead: RecordedEvent[] = [];
  #last: Span | null = null;

  constructor(
    private readonly store: EventStore,
    private readonly runId: string,
    readonly channel: OutputChannel,
    /** Bytes before this offset are left out. */
    private readonly from = 0,
  ) {}

  /** The next bytes on record; null when there are no more for now. */
  async next(): Promise<Piece | null> {
    this.#revision ??= await this.revisionOf(({ end }) => end > this.from);
    if (this.#ahead.length === 0) this.#ahead = await this.store.read(this.#stream, { from: this.#revision, ...this.#memory.forNext });
    const recorded = this.#ahead.shift();
    if (recorded === undefined) {
      this.close();
      return null;
    }
    this.#memory.seen(recorded.body?.length ?? 0);
    const span = spanOf(recorded);
    this.#revision = span.revision + 1;
    const isAfterGap = this.#last !== null && span.offset !== this.#last.end;
    const isCut = this.#last !== null && span.offset - this.#last.end !== span.skipped - this.#last.skipped;
    this.#last = span;
    if (span.end <= this.from && span.end > span.offset) return this.next();
    const before = Math.max(0, this.from - span.offset);
    const bytes = eventCodec.decode(recorded).body!.subarray(before);
    return { ...span, offset: span.offset + before, channel: this.channel, bytes, isAfterGap, isCut };
  }

  /** Lets go of memory; it may be read on. What was lent is not valid any more. */
  close(): void {
    this.#ahead = [];
    this.#memory.letGo();
  }

  /** Goes to the piece that holds `offset`, or to what comes after; says at which offset it begins: later when that is gone. */
  async seek(offset: number): Promise<number> {
    const revision = await this.revisionOf(({ end }) => end > offset);
    this.moveTo(revision);
    const piece = await this.at(revision);
    // Not there yet: it will be where the record ends now, or after.
    return piece?.offset ?? (await this.extent()).end;
  }

  /** Goes on with the event of this revision. */
  moveTo(revision: number): void {
    this.#revision = revision;
    this.#ahead = [];
    this.#last = null;
  }

  async extent(): Promise<Extent> {
    const [first, last] = [await this.first(), await this.last()];
    const size = last?.end ?? 0;
    return { begin: first?.offset ?? 0, end: size, size, hasGaps: (last?.skipped ?? 0) > (first?.skipped ?? 0) };
  }

  /** What is on record without a gap from `offset` on, or from what comes next after it. */
  async stretch(offset: number): Promise<Extent> {
    const whole = await this.extent();
    const piece = await this.at(await this.revisionOf(({ end }) => end > offset));
    if (!whole.hasGaps || piece === null) return { ...whole, hasGaps: false };
    const after = await this.revisionOf((each) => each.skipped > piece.skipped);
    const last = await this.#lastBefore(after);
    return { begin: Math.max(offset, piece.offset), end: last?.end ?? whole.size, size: whole.size, hasGaps: false };
  }

  first(): Promise<Span | null> {
    return this.at(0);
  }

  last(): Promise<Span | null> {
    return this.#lastBefore(Infinity);
  }

  /** The first revision from which on `isWanted` holds, by halving: the record may be long. */
  async revisionOf(isWanted: (span: Span) => boolean | Promise<boolean>): Promise<number> {
    let low = (await this.first())?.revision ?? 0;
    let high = ((await this.last())?.revision ?? -1) + 1;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const span = await this.at(middle);
      if (span !== null && !(await isWanted(span))) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Where the channel stood when the record was at `position`: the end of its last piece before, or the beginning of what is left. */
  async offsetBefore(position: number): Promise<{ offset: number; revision: number }> {
    const revision = await this.revisionOf((piece) => piece.position > position);
    const before = await this.#lastBefore(revision);
    if (before !== null) return { offset: before.end, revision };
    return { offset: (await this.at(revision))?.offset ?? 0, revision };
  }

  /** Where the piece of a revision is, or the first one after it when it has been taken away. */
  async at(revision: number): Promise<Span | null> {
    const [recorded] = await this.store.read(this.#stream, { from: revision, limit: 1, withoutBodies: true });
    return recorded === undefined ? null : spanOf(recorded);
  }

  async #lastBefore(revision: number): Promise<Span | null> {
    if (revision === 0) return null;
    const [recorded] = await this.store.read(this.#stream, { ...(revision < Infinity && { from: revision - 1 }), backwards: true, limit: 1, withoutBodies: true });
    return recorded === undefined ? null : spanOf(recorded);
  }

  get #stream(): string {
    return outputStream(this.runId, this.channel);
  }
}

function spanOf(recorded: RecordedEvent): Span {
  const { offset, bytes, skipped } = eventCodec.decode<OutputEvent>(recorded).data;
  return { offset, end: offset + bytes, position: recorded.position, revision: recorded.revision, skipped };
}
