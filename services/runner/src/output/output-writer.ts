/**
 * Records one channel of a run: the first bytes at once, then about 64 KiB or 250 ms per event. The expected revision is
 * exact, so that two watchers of one run can never both record a byte.
 */
import { isUtf8 } from 'node:buffer';
import { randomUUID } from 'node:crypto';
import { eventCodec } from '@kgpu/contracts';
import type { EventStore } from '@kgpu/event-store';
import { outputStream, type Channel, type OutputEnd } from './output-log.ts';

const CHUNK_BYTES = 65_536;
const CHUNK_MS = 250;

export class OutputWriter {
  #pending: Buffer[] = [];
  #pendingBytes = 0;
  #revision: number;
  /** Of the first pending byte. */
  #offset: number;
  #skipped: number;
  #recordedEnd: number;
  #lastWriteAt = -Infinity;
  #timer: NodeJS.Timeout | null = null;
  #writing: Promise<void> = Promise.resolve();
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
    this.#recordedEnd = end.offset;
  }

  /** All bytes that were handed over, recorded or not. */
  get end(): number {
    return this.#offset + this.#pendingBytes;
  }

  /** Where the record ends. */
  get recordedEnd(): number {
    return this.#recordedEnd;
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
    if (this.#pendingBytes >= CHUNK_BYTES || performance.now() - this.#lastWriteAt >= CHUNK_MS) await this.#write(false);
    else this.#timer ??= setTimeout(() => void this.#write(false), CHUNK_MS);
    if (this.#failed !== null) throw this.#failed;
  }

  /** Records what is left, half characters too. */
  async flush(): Promise<void> {
    await this.#write(true);
    if (this.#failed !== null) throw this.#failed;
  }

  /** Bytes were dropped before anybody saw them: what was before the gap is whole now. */
  async #jump(offset: number): Promise<void> {
    await this.#write(true);
    this.#skipped += offset - this.#offset;
    this.#offset = offset;
  }

  /** Never rejects: a failure is kept for who pushes next. */
  #write(whole: boolean): Promise<void> {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#writing = this.#writing.then(() => this.#append(whole)).catch((error: unknown) => {
      this.#failed ??= error as Error;
    });
    return this.#writing;
  }

  async #append(whole: boolean): Promise<void> {
    if (this.#failed !== null || this.#pendingBytes === 0) return;
    const all = Buffer.concat(this.#pending);
    const half = whole ? 0 : incompleteTail(all);
    const bytes = all.subarray(0, all.length - half);
    if (bytes.length === 0) return;
    this.#pending = half === 0 ? [] : [all.subarray(all.length - half)];
    this.#pendingBytes = half;
    const offset = this.#offset;
    this.#offset += bytes.length;
    this.#lastWriteAt = performance.now();
    const data = { stream: this.channel, offset, bytes: bytes.length, skipped: this.#skipped, ...(isUtf8(bytes) ? { text: bytes.toString('utf8') } : { base64: bytes.toString('base64') }) };
    // Never the id of another watcher's chunk: one that was faster must be told by the revision.
    const { revision } = await this.store.append(outputStream(this.runId, this.channel), [eventCodec.encode({ type: 'OutputWritten', data })], {
      expected: this.#revision < 0 ? 'no_stream' : this.#revision, commitId: randomUUID(),
    });
    this.#revision = revision;
    this.#recordedEnd = offset + bytes.length;
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
