import { fstatSync } from 'node:fs';
import { opendir } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { openFileInside, pathInside } from '../open-inside.ts';
import type { RunStream } from './run-channel.ts';

/** What `kgpu-run` adds to the offset of a segment's first byte, so that names sort. */
const zero = 1_000_000_000_000_000;
/** There are some thirty files in a run's folder: what has more was not made by us. */
const mostFiles = 1_000;

export interface SegmentPart {
  /** Of the first byte in its channel. */
  offset: number;
  bytes: Buffer;
}

/** Reads one channel of a run out of the segments that `kgpu-run` writes in the run's folder, while it grows and loses its oldest. */
export class SegmentReader {
  #file: FileHandle | null = null;
  /** Of the open segment's first byte. */
  #base = 0;
  /** Where the next byte is, in the channel. */
  #offset: number;

  constructor(readonly folder: FileHandle, readonly channel: RunStream, offset: number) {
    this.#offset = offset;
  }

  /** Holds the segment that is to be read first, so that it can be read when it is deleted. False when there is none. */
  async open(): Promise<boolean> {
    this.#file ??= await this.#openAt(this.#offset);
    return this.#file !== null;
  }

  /**
   * The next bytes, in the memory that `memory` gives when there are any; null when there are none now. An offset that is not where
   * the part before ended means that what was in between has been dropped.
   */
  async read(memory: () => Buffer): Promise<SegmentPart | null> {
    for (;;) {
      if (!(await this.open())) return null;
      const file = this.#file!;
      const { size, nlink } = fstatSync(file.fd);
      if (size > this.#offset - this.#base) return this.#readPart(file, memory());
      if (!(await this.#goOn(nlink === 0))) return null;
    }
  }

  async close(): Promise<void> {
    await this.#file?.close();
    this.#file = null;
  }

  async #readPart(file: FileHandle, into: Buffer): Promise<SegmentPart> {
    const { bytesRead } = await file.read(into, 0, into.length, this.#offset - this.#base);
    const part = { offset: this.#offset, bytes: into.subarray(0, bytesRead) };
    this.#offset += bytesRead;
    return part;
  }

  /** From a segment that is read to its end to the next; false when there is none yet. */
  async #goOn(isDropped: boolean): Promise<boolean> {
    if (this.#offset === this.#base && !isDropped) return false;
    // The name says where the one before ended, for good.
    const next = this.#offset === this.#base ? null : await openFileInside(this.folder, this.#name(this.#offset));
    if (next !== null) return this.#change(next, this.#offset);
    if (!isDropped) return false;
    const first = (await this.#bases()).find((base) => base > this.#base);
    const file = first === undefined ? null : await openFileInside(this.folder, this.#name(first));
    return file !== null && this.#change(file, first!);
  }

  async #change(file: FileHandle, base: number): Promise<true> {
    await this.#file?.close();
    this.#file = file;
    this.#base = base;
    this.#offset = Math.max(this.#offset, base);
    return true;
  }

  /** The segment that holds the offset, or the oldest that is left. */
  async #openAt(offset: number): Promise<FileHandle | null> {
    const bases = await this.#bases();
    const base = bases.findLast((each) => each <= offset) ?? bases[0];
    const file = base === undefined ? null : await openFileInside(this.folder, this.#name(base));
    if (file === null) return null;
    await this.#change(file, base!);
    return file;
  }

  async #bases(): Promise<number[]> {
    const bases: number[] = [];
    let files = 0;
    for await (const { name } of await opendir(pathInside(this.folder))) {
      if (++files > mostFiles) throw new Error(`the folder of the run has more than ${mostFiles} files`);
      if (name.startsWith(`${this.channel}.`) && /^\w+\.\d{16}$/.test(name)) bases.push(Number(name.slice(-16)) - zero);
    }
    return bases.filter((base) => base >= 0).sort((a, b) => a - b);
  }

  #name(base: number): string {
    return `${this.channel}.${zero + base}`;
  }
}
