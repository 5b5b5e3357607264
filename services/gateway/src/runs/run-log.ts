/** The raw bytes that a run wrote: as they are on record, or as they come. */
import { outputChannels, type OutputChannel } from '@kgpu/contracts';
import type { EventStore } from '@kgpu/event-store';
import type { RequestedRange } from '../http/byte-range.ts';
import type { Caller } from '../identity/caller.ts';
import { HEARTBEAT_MS } from '../http/server-sent-events.ts';
import { BothReader } from './both-reader.ts';
import { ChannelReader, type Extent } from './recorded-output.ts';
import { findLife, readLife, type RunLife } from './run-life.ts';
import type { RunNews } from './run-news.ts';

export type LogStream = OutputChannel | 'both';

export interface LogSection {
  /** The first byte that is wanted, and nothing before it; null: everything that is left. */
  from: number | null;
  /** The byte before which to stop; null: at the end of what there is. */
  to: number | null;
  /** Goes on with what comes, until the run ends. */
  follow: boolean;
}

type PieceReader = Pick<BothReader, 'next' | 'close'>;

/** What was to be sent next has been taken away: the reply ends as a cut connection, and a client goes on with a range. */
class OutputCut extends Error {
  override readonly name = 'OutputCut';
}

export class RunLog {
  constructor(
    private readonly store: EventStore,
    private readonly expiring: EventStore,
    private readonly news: RunNews,
  ) {}

  /** A run that the caller may read. @throws Problem `run_not_found` */
  find(caller: Caller, runId: string): Promise<RunLife> {
    return findLife(this.store, caller, runId);
  }

  /** What there is of a stream now, or of the part that is wanted. */
  async extent(runId: string, stream: LogStream, wanted: RequestedRange | null = null): Promise<Extent> {
    if (stream === 'both') return this.#both(runId).extent();
    const channel = this.#channel(runId, stream);
    const whole = await channel.extent();
    if (wanted === null || !whole.hasGaps) return whole;
    return channel.stretch('last' in wanted ? Math.max(0, whole.size - wanted.last) : wanted.from);
  }

  async *bytes(runId: string, stream: LogStream, { from, to, follow }: LogSection, signal: AbortSignal): AsyncGenerator<Buffer> {
    const { reader, begin } = await this.#readerAt(runId, stream, from ?? 0);
    try {
      yield* this.#bytesOf(reader, begin, { runId, isBoth: stream === 'both', from, to, follow }, signal);
    } finally {
      reader.close();
    }
  }

  async *#bytesOf(
    reader: PieceReader, begin: number, { runId, isBoth, from, to, follow }: LogSection & { runId: string; isBoth: boolean }, signal: AbortSignal,
  ): AsyncGenerator<Buffer> {
    if (begin > (from ?? begin)) throw new OutputCut();
    // Whoever counts bytes to go on later must not be given a hole; both channels together have no places between gaps.
    const isPlaced = !isBoth && (follow || from !== null);
    const until = follow ? Infinity : await this.expiring.head();
    let skip = (from ?? begin) - begin;
    let left = to === null ? Infinity : to - (from ?? 0);
    while (!signal.aborted && left > 0) {
      const news = follow ? await this.news.listen(runId, HEARTBEAT_MS, signal) : null;
      const isLast = news === null || (await readLife(this.store, runId))?.ended != null;
      for (let piece = await reader.next(); piece !== null && piece.position <= until; piece = await reader.next()) {
        if (piece.isCut || (piece.isAfterGap && isPlaced)) throw new OutputCut();
        const bytes = piece.bytes.subarray(skip, Math.min(piece.bytes.length, skip + left));
        skip -= Math.min(skip, piece.bytes.length);
        left -= bytes.length;
        if (bytes.length > 0) yield bytes;
        if (left <= 0 || signal.aborted) return;
      }
      if (isLast) return;
      await news.rang;
    }
  }

  /** A reader near before the place `from`, and at which place it begins. */
  async #readerAt(runId: string, stream: LogStream, from: number): Promise<{ reader: PieceReader; begin: number }> {
    if (stream !== 'both') {
      const reader = this.#channel(runId, stream);
      return { reader, begin: await reader.seek(from) };
    }
    const reader = this.#both(runId);
    return { reader, begin: from === 0 ? 0 : await reader.seek(from) };
  }

  #channel(runId: string, channel: OutputChannel): ChannelReader {
    return new ChannelReader(this.expiring, runId, channel);
  }

  #both(runId: string): BothReader {
    return new BothReader(this.expiring, outputChannels.map((channel) => this.#channel(runId, channel)));
  }
}
