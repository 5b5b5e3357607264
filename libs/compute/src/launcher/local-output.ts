import type { FileHandle } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { openFolderInside } from '../open-inside.ts';
import type { RunHandlers, RunOffsets } from './run-channel.ts';
import { SegmentReader } from './segment-reader.ts';
import { paceMs } from './ticker.ts';

const runsFolder = ['tmp', 'kgpu', 'runs'];
const memoryBytes = 262_144;
/** Memory is let go after so long without output. */
const keptMs = 1_000;

/** The run's files can't be read from here any more. */
export class LocalOutputUnreadable extends Error {
  override readonly name = 'LocalOutputUnreadable';
}

/** Where the output of a run can be read without its session. */
export interface LocalSource {
  /** Of the container; null where it can't be read. */
  root: Promise<FileHandle | null>;
  runId: string;
  /** How much output the container keeps: when the run has ended, no more than that is left to be read. */
  keptBytes: number;
}

/**
 * The output of a run, read on this machine out of the container's files: past the shell, the engine and two copies of each byte
 * that they make. The session beside it tells start and end.
 */
export class LocalOutput {
  #isLetGo = false;
  #memory: Buffer | null = null;
  #hasEnded = false;
  #heardAt = performance.now();
  #wake = new AbortController();
  #following: Promise<boolean> | null = null;

  #folder: FileHandle | null = null;
  #readers: SegmentReader[] = [];
  /** Bytes that were read after the end. */
  #late = 0;

  /** `offsets` move on with what is handed over; `heard` is called when something has come. */
  constructor(readonly source: LocalSource, readonly offsets: RunOffsets, readonly handlers: RunHandlers, readonly heard: () => void) {}

  /** False when the output can't be read from here: then nothing is open. To be asked when the run has begun. */
  async open(): Promise<boolean> {
    const root = await this.source.root;
    if (root === null) return false;
    try {
      this.#folder = await openFolderInside(root, [...runsFolder, this.source.runId]);
      this.#readers = (['stdout', 'stderr'] as const).map((channel) => new SegmentReader(this.#folder!, channel, this.offsets[channel]));
      for (const reader of this.#readers) if (!(await reader.open())) throw new Error('a channel is not there');
      return true;
    } catch {
      await this.#close();
      return false;
    }
  }

  /** After `open`. `failed` is called once, when the output can't be read any more or a handler has thrown: `finish` throws that. */
  begin(failed: () => void): void {
    this.#following = this.#follow();
    this.#following.catch(failed);
  }

  /**
   * Reads what is left when the run has ended, else leaves at once. False when it was more than there can be; throws what a handler threw, or `LocalOutputUnreadable`.
   */
  async finish(hasEnded: boolean): Promise<boolean> {
    this.#hasEnded = hasEnded;
    this.#isLetGo = !hasEnded;
    this.#wake.abort();
    return (await this.#following) ?? true;
  }

  get #isStopped(): boolean {
    return this.#isLetGo || this.handlers.signal?.aborted === true;
  }

  async #follow(): Promise<boolean> {
    const { keptBytes } = this.source;
    try {
      for (;;) {
        // Asked before the look: what was written before the end is there then.
        const isLast = this.#hasEnded;
        const looks: boolean[] = [];
        for (const reader of this.#readers) looks.push(await this.#look(reader));
        if (this.#isStopped || (isLast && !looks.includes(true))) return true;
        // A file with holes may claim to be of any size, and reading it would have no end.
        if (this.#late > keptBytes) return false;
        if (!looks.includes(true)) await this.#pause();
      }
    } finally {
      await this.#close();
    }
  }

  async #close(): Promise<void> {
    for (const reader of this.#readers.splice(0)) await reader.close();
    await this.#folder?.close();
    this.#folder = null;
  }

  /** True when there was something. */
  async #look(reader: SegmentReader): Promise<boolean> {
    if (this.#isStopped) return false;
    const part = await unlessUnreadable(reader.read(() => (this.#memory ??= Buffer.allocUnsafeSlow(memoryBytes))));
    if (part === null || part.bytes.length === 0) return false;
    this.#heardAt = performance.now();
    this.heard();
    if (this.#hasEnded) this.#late += part.bytes.length;
    const { channel } = reader;
    if (part.offset > this.offsets[channel]) await this.handlers.onTruncated?.(channel, part.offset);
    this.offsets[channel] = part.offset + part.bytes.length;
    await this.handlers.onOutput(channel, part.offset, part.bytes);
    return true;
  }

  async #pause(): Promise<void> {
    const silenceMs = performance.now() - this.#heardAt;
    if (silenceMs > keptMs) this.#memory = null;
    await delay(paceMs(silenceMs), undefined, { signal: this.#wake.signal }).catch(() => {});
    if (this.#wake.signal.aborted) this.#wake = new AbortController();
  }
}

async function unlessUnreadable<T>(reading: Promise<T>): Promise<T> {
  try {
    return await reading;
  } catch (cause) {
    throw new LocalOutputUnreadable('the output of the run cannot be read past the engine', { cause });
  }
}
