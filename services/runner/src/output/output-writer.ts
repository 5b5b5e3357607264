/**
 * Records one channel of a run: the first bytes at once, then about 64 KiB or 250 ms per event. A fast command has up to 1 MiB in
 * one commit, so that it waits for the disk seldom. The expected revision is exact, so that two watchers of one run can never both
 * record a byte.
 */
import { isUtf8 } from 'node:buffer';
import { randomUUID } from 'node:crypto';
import { eventCodec } from '@kgpu/contracts';
import type { EventStore, NewEvent } from '@kgpu/event-store';
import { outputStream, type Channel, type OutputEnd } from './output-log.ts';

const CHUNK_BYTES = 65_536;
const CHUNK_MS = 250;
const COMMIT_BYTES = 1_048_576;
/** So long a whole chunk waits for others to come along. */
const COMMIT_MS = 20;

export class OutputWriter {
  #pending: Buffer[] = [];
  #pendingBytes = 0;
  #revision: number;
  /** Of the first pending byte. */
  #offset: number;
  #skipped: number;
  #lastWriteAt = -Infinity;
  #timer: NodeJS.Timeout | null = null;
  #dueAt = 0;
  #writing: Promise<void> | null = null;
  #failed: Error | null = null;

  constructor(
    private readonly store: EventStore,
    private readonly runId: string,
    private readonly channel: Channel,
    end: OutputEnd,
  ) {
    this.#revision = end.revision;
    this.#offset = end.offset;
    this.#skipped = end.skipped;
  }

  /** All bytes that were handed over, recorded or not. */
  get end(): number {
    return this.#offset + this.#pendingBytes;
  }

  /** Bytes that were dropped before they could be handed over. */
  get skipped(): number {
    return this.#skipped;
  }

  /** Takes bytes; resolves when more may come. Throws what a write threw, a `WrongRevision` when somebody else records this run. */
  async push(offset: number, bytes: Buffer): Promise<void> {
    if (offset !== this.end) await this.#jump(offset);
    this.#pending.push(bytes);
    this.#pendingBytes += bytes.length;
    this.#writeWhenDue();
    while (this.#pendingBytes >= COMMIT_BYTES && this.#writing !== null) await this.#writing;
    if (this.#failed !== null) throw this.#failed;
  }

  /** Records what is left, half characters too. */
  async flush(): Promise<void> {
    while (this.#writing !== null) await this.#writing;
    await this.#write(true);
    if (this.#failed !== null) throw this.#failed;
  }

  /** Bytes were dropped before anybody saw them: what was before the gap is whole now. */
  async #jump(offset: number): Promise<void> {
    await this.flush();
    this.#skipped += offset - this.#offset;
    this.#offset = offset;
  }

  #writeWhenDue(): void {
    if (this.#writing !== null || this.#failed !== null || this.#pendingBytes === 0) return;
    const waitMs = this.#lastWriteAt + this.#pauseMs() - performance.now();
    if (waitMs <= 0) void this.#write(false);
    else this.#lookAgainIn(waitMs);
  }

  /** How long after the last commit the next one is due. */
  #pauseMs(): number {
    if (this.#pendingBytes >= COMMIT_BYTES) return 0;
    return this.#pendingBytes >= CHUNK_BYTES ? COMMIT_MS : CHUNK_MS;
  }

  #lookAgainIn(ms: number): void {
    if (this.#timer !== null && this.#dueAt <= performance.now() + ms) return;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#dueAt = performance.now() + ms;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      this.#writeWhenDue();
    }, ms);
  }

  /** Never rejects: a failure is kept for who pushes next. */
  #write(whole: boolean): Promise<void> {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    const writing = this.#append(whole).catch((error: unknown) => {
      this.#failed ??= error as Error;
    }).finally(() => {
      this.#writing = null;
      this.#writeWhenDue();
    });
    return (this.#writing = writing);
  }

  async #append(whole: boolean): Promise<void> {
    if (this.#failed !== null || this.#pendingBytes === 0) return;
    const all = this.#pending.length === 1 ? this.#pending[0]! : Buffer.concat(this.#pending);
    const half = whole ? 0 : incompleteTail(all);
    const bytes = all.subarray(0, all.length - half);
    this.#lastWriteAt = performance.now();
    if (bytes.length === 0) return;
    this.#pending = half === 0 ? [] : [Buffer.from(all.subarray(all.length - half))];
    this.#pendingBytes = half;
    const events = this.#chunksOf(bytes);
    this.#offset += bytes.length;
    // Never the id of another watcher's chunk: one that was faster must be told by the revision.
    const { revision } = await this.store.append(outputStream(this.runId, this.channel), events, {
      expected: this.#revision < 0 ? 'no_stream' : this.#revision, commitId: randomUUID(),
    });
    this.#revision = revision;
  }

  /** Cut between characters, so that text stays text. */
  #chunksOf(bytes: Buffer): NewEvent[] {
    const events: NewEvent[] = [];
    for (let at = 0; at < bytes.length;) {
      const upTo = bytes.subarray(at, at + CHUNK_BYTES);
      const isLast = at + upTo.length === bytes.length;
      const chunk = isLast ? upTo : upTo.subarray(0, upTo.length - incompleteTail(upTo));
      events.push(this.#chunk(this.#offset + at, chunk));
      at += chunk.length;
    }
    return events;
  }

  #chunk(offset: number, bytes: Buffer): NewEvent {
    const content = isUtf8(bytes) ? { text: bytes.toString('utf8') } : { base64: bytes.toString('base64') };
    return eventCodec.encode({ type: 'OutputWritten', data: { stream: this.channel, offset, bytes: bytes.length, skipped: this.#skipped, ...content } });
  }
}

/** How many bytes at the end begin a character of UTF-8 that is not there whole: 0 to 3. */
export function incompleteTail(bytes: Buffer): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const byte = bytes[bytes.length - back]!;
    if ((byte & 0xc0) === 0x80) continue;
    const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
    return length > back ? back : 0;
  }
  return 0;
}
