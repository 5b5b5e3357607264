/**
 * Records one channel of a run: the first bytes at once, then about 64 KiB or 250 ms per event. A fast command has up to 2 MiB in
 * one commit, so that it waits for the disk seldom. The expected revision is exact, so that two watchers of one run can never both
 * record a byte.
 */
import { randomUUID } from 'node:crypto';
import { eventCodec, outputStream, type OutputChannel } from '@kgpu/contracts';
import type { EventStore, NewEvent } from '@kgpu/event-store';
import type { OutputEnd } from './output-log.ts';

const CHUNK_BYTES = 65_536;
const CHUNK_MS = 250;
const COMMIT_BYTES = 2 * 1_048_576;
/** So long a whole chunk waits for others to come along. */
const COMMIT_MS = 20;
/** Memory of whole commits that nobody uses now, of all writers: a quick command fills one every few milliseconds. */
const spares: Buffer[] = [];
const MOST_SPARES = 4;

export class OutputWriter {
  /** Bytes that are not on their way to the record yet, in front of `#pendingBytes`. A quick command fills it while the other one is written. */
  #pending: Buffer | null = null;
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
    private readonly channel: OutputChannel,
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

  /**
   * Takes bytes, which are only lent; a promise resolves when more may come. One call at a time.
   * Throws what a write threw, a `WrongRevision` when somebody else records this run.
   */
  push(offset: number, bytes: Buffer): void | Promise<void> {
    this.#throwIfFailed();
    if (offset !== this.end || bytes.length > COMMIT_BYTES - this.#pendingBytes) return this.#pushInParts(offset, bytes);
    this.#take(bytes);
    this.#writeWhenDue();
  }

  /** Records what is left. */
  async flush(): Promise<void> {
    while (this.#writing !== null) await this.#writing;
    await this.#write();
    this.#throwIfFailed();
  }

  async #pushInParts(offset: number, bytes: Buffer): Promise<void> {
    if (offset !== this.end) await this.#jump(offset);
    for (let at = 0; at < bytes.length;) {
      const part = bytes.subarray(at, at + COMMIT_BYTES - this.#pendingBytes);
      this.#take(part);
      at += part.length;
      this.#writeWhenDue();
      if (this.#pendingBytes === COMMIT_BYTES) await this.#writing;
      this.#throwIfFailed();
    }
  }

  /** Bytes were dropped before anybody saw them: what was before the gap is whole now. */
  async #jump(offset: number): Promise<void> {
    await this.flush();
    this.#skipped += offset - this.#offset;
    this.#offset = offset;
  }

  #take(bytes: Buffer): void {
    const pending = this.#roomFor(this.#pendingBytes + bytes.length);
    pending.set(bytes, this.#pendingBytes);
    this.#pendingBytes += bytes.length;
  }

  #roomFor(length: number): Buffer {
    const now = this.#pending;
    if (now !== null && now.length >= length) return now;
    const larger = length <= CHUNK_BYTES ? Buffer.allocUnsafeSlow(CHUNK_BYTES) : spares.pop() ?? Buffer.allocUnsafeSlow(COMMIT_BYTES);
    now?.copy(larger, 0, 0, this.#pendingBytes);
    return (this.#pending = larger);
  }

  #writeWhenDue(): void {
    if (this.#writing !== null || this.#failed !== null || this.#pendingBytes === 0) return;
    const waitMs = this.#lastWriteAt + this.#pauseMs() - performance.now();
    if (waitMs <= 0) void this.#write();
    else this.#lookAgainIn(waitMs);
  }

  /** How long after the last commit the next one is due. */
  #pauseMs(): number {
    if (this.#pendingBytes >= COMMIT_BYTES / 2) return 0;
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
  #write(): Promise<void> {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    const writing = this.#append().catch((error: unknown) => {
      this.#failed ??= error as Error;
    }).finally(() => {
      this.#writing = null;
      this.#writeWhenDue();
    });
    return (this.#writing = writing);
  }

  async #append(): Promise<void> {
    if (this.#failed !== null || this.#pendingBytes === 0) return;
    const buffer = this.#pending!;
    const bytes = buffer.subarray(0, this.#pendingBytes);
    const events = this.#chunksOf(bytes);
    this.#lastWriteAt = performance.now();
    this.#offset += bytes.length;
    this.#pending = null;
    this.#pendingBytes = 0;
    // Never the id of another watcher's chunk: one that was faster must be told by the revision.
    const { revision } = await this.store.append(outputStream(this.runId, this.channel), events, {
      expected: this.#revision < 0 ? 'no_stream' : this.#revision, commitId: randomUUID(),
    });
    this.#revision = revision;
    if (buffer.length === COMMIT_BYTES && spares.length < MOST_SPARES) spares.push(buffer);
  }

  #chunksOf(bytes: Buffer): NewEvent[] {
    const events: NewEvent[] = [];
    for (let at = 0; at < bytes.length; at += CHUNK_BYTES) {
      const body = bytes.subarray(at, at + CHUNK_BYTES);
      const data = { stream: this.channel, offset: this.#offset + at, bytes: body.length, skipped: this.#skipped };
      events.push(eventCodec.encode({ type: 'OutputWritten', data, body }));
    }
    return events;
  }

  #throwIfFailed(): void {
    if (this.#failed !== null) throw this.#failed;
  }
}
