/** The raw bytes that a run wrote: as they are on record, or as they come. */
import type { EventStore } from '@kgpu/event-store';
import type { Caller } from '../identity/caller.ts';
import { HEARTBEAT_MS } from '../http/server-sent-events.ts';
import { BothReader, ChannelReader, channels, type Channel, type Piece } from './recorded-output.ts';
import { findLife, readLife, type RunLife } from './run-life.ts';
import type { RunNews } from './run-news.ts';

export type LogStream = Channel | 'both';

export interface LogSection {
  /** The first byte that is wanted. */
  from: number;
  /** The byte before which to stop; null: at the end of the run. */
  to: number | null;
}

interface Reader {
  next(): Promise<Piece | null>;
  end(): Promise<number>;
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

  /** How many bytes a stream has now. */
  size(runId: string, stream: LogStream): Promise<number> {
    return this.#reader(runId, stream, 0).end();
  }

  async *bytes(runId: string, stream: LogStream, { from, to }: LogSection, signal: AbortSignal): AsyncGenerator<Buffer> {
    const reader = this.#reader(runId, stream, from);
    // The place of a byte in both channels together is known only by counting.
    let skip = stream === 'both' ? from : 0;
    let left = to === null ? Infinity : to - from;
    while (!signal.aborted && left > 0) {
      const news = to === null ? await this.news.listen(runId, HEARTBEAT_MS, signal) : null;
      const isLast = news === null || (await readLife(this.store, runId))?.ended != null;
      for (let piece = await reader.next(); piece !== null; piece = await reader.next()) {
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

  #reader(runId: string, stream: LogStream, from: number): Reader {
    if (stream !== 'both') return new ChannelReader(this.expiring, runId, stream, from);
    return new BothReader(channels.map((channel) => new ChannelReader(this.expiring, runId, channel)));
  }
}
