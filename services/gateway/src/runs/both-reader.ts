/**
 * Reads both channels of a run in the order of the record, which is the same for every reader. A byte's place in both together is
 * its offset in its own channel and the bytes of the other one that were recorded before.
 */
import type { EventStore } from '@kgpu/event-store';
import type { ChannelReader, Extent, Piece, Span } from './recorded-output.ts';

export class BothReader {
  readonly #readers: ChannelReader[];
  /** The next piece of each channel, where it is known. */
  readonly #heads: (Piece | null)[];
  /** Up to this position of the record each channel is known to have nothing more. */
  readonly #emptyUntil: number[];
  /** The channel that was read last: most likely it has more. */
  #current = 0;

  constructor(
    private readonly store: EventStore,
    readers: ChannelReader[],
  ) {
    this.#readers = readers;
    this.#heads = readers.map(() => null);
    this.#emptyUntil = readers.map(() => -1);
  }

  async next(): Promise<Piece | null> {
    const looked = new Set<number>();
    for (let n: number | undefined = this.#current; n !== undefined; n = this.#unknown(looked)) {
      looked.add(n);
      await this.#look(n);
    }
    const first = this.#first();
    if (first === null) return null;
    this.#current = this.#heads.indexOf(first);
    this.#heads[this.#current] = null;
    return first;
  }

  close(): void {
    for (const reader of this.#readers) reader.close();
  }

  /** A channel that may have something that comes before all that is known. */
  #unknown(looked: ReadonlySet<number>): number | undefined {
    const first = this.#first();
    return [...this.#readers.keys()].find((n) => this.#heads[n] === null && (first === null ? !looked.has(n) : this.#emptyUntil[n]! < first.position));
  }

  #first(): Piece | null {
    return this.#heads.reduce((a, b) => (a === null || (b !== null && b.position < a.position) ? b : a), null);
  }

  async #look(n: number): Promise<void> {
    const reader = this.#readers[n]!;
    this.#heads[n] ??= await reader.next();
    if (this.#heads[n] !== null) return;
    // What is recorded from here on has a later position; what was before has been seen by then.
    const head = await this.store.head();
    this.#heads[n] = await reader.next();
    if (this.#heads[n] === null) this.#emptyUntil[n] = head;
  }

  /** Of what is left of a channel whose beginning was taken away, the other channel's older pieces have no place any more. */
  async extent(): Promise<Extent> {
    const extents = await Promise.all(this.#readers.map((reader) => reader.extent()));
    const begins = await Promise.all(this.#readers.map(async (reader) => reader.offsetBefore((await this.#firstPosition()) - 1)));
    const end = extents.reduce((sum, extent) => sum + extent.end, 0);
    return {
      begin: begins.reduce((sum, { offset }) => sum + offset, 0), end, size: end,
      hasGaps: extents.some(({ hasGaps }) => hasGaps),
    };
  }

  /** Goes to a piece at `place`, or not far before it; says at which place it begins: later than asked for when that is gone. */
  async seek(place: number): Promise<number> {
    const [outer, inner] = await this.#longerFirst();
    const placeOf = async (span: Span) => span.offset + (await inner.offsetBefore(span.position)).offset;
    const after = await outer.revisionOf(async (span) => (await placeOf(span)) > place);
    const first = await this.#firstPosition();
    const piece = after === 0 ? null : await outer.at(after - 1);
    const isBefore = piece !== null && piece.revision < after && piece.position >= first;
    return this.#goTo(isBefore ? piece.position - 1 : first - 1);
  }

  /** Goes on with what was recorded after `position`. */
  async #goTo(position: number): Promise<number> {
    let place = 0;
    for (const reader of this.#readers) {
      const { offset, revision } = await reader.offsetBefore(position);
      reader.moveTo(revision);
      place += offset;
    }
    return place;
  }

  /** From here on both channels are whole. */
  async #firstPosition(): Promise<number> {
    const firsts = await Promise.all(this.#readers.map((reader) => reader.first()));
    return Math.max(1, ...firsts.map((first) => (first !== null && first.offset > first.skipped ? first.position : 1)));
  }

  async #longerFirst(): Promise<[ChannelReader, ChannelReader]> {
    const [a, b] = this.#readers as [ChannelReader, ChannelReader];
    const [lastA, lastB] = [await a.last(), await b.last()];
    return (lastA?.revision ?? -1) >= (lastB?.revision ?? -1) ? [a, b] : [b, a];
  }
}
