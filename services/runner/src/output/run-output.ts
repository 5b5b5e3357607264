/**
 * Records both channels of a run, and keeps at most `capBytes` of them: the oldest bytes of the channel that holds more go first,
 * in steps, and the offsets of what is left stay as they were.
 */
import { outputChannels, outputStream, type OutputChannel } from '@kgpu/contracts';
import type { ForgettingEventStore } from '@kgpu/event-store';
import { outputEnd, outputStart, revisionOf } from './output-log.ts';
import { OutputWriter } from './output-writer.ts';

/** A part of the cap is dropped at once, so that dropping costs little; not so much that the store stands still meanwhile. */
const STEPS = 16;
const LONGEST_STEP_BYTES = 16 * 1_048_576;

type PerChannel<T> = Record<OutputChannel, T>;

export class RunOutput {
  #dropping: Promise<void> | null = null;

  private constructor(
    private readonly store: ForgettingEventStore,
    private readonly runId: string,
    private readonly capBytes: number,
    private readonly writers: PerChannel<OutputWriter>,
    /** Offset of the first byte on record. */
    private readonly begins: PerChannel<number>,
  ) {}

  /** Goes on where the record ends, whoever wrote it. */
  static async open(store: ForgettingEventStore, runId: string, capBytes: number): Promise<RunOutput> {
    const writer = async (channel: OutputChannel) => new OutputWriter(store, runId, channel, await outputEnd(store, runId, channel));
    const begin = async (channel: OutputChannel) => (await outputStart(store, runId, channel))?.offset ?? 0;
    return new RunOutput(
      store, runId, capBytes,
      { stdout: await writer('stdout'), stderr: await writer('stderr') },
      { stdout: await begin('stdout'), stderr: await begin('stderr') },
    );
  }

  /** All bytes that were handed over, recorded or not. */
  get ends(): PerChannel<number> {
    return { stdout: this.writers.stdout.end, stderr: this.writers.stderr.end };
  }

  /** Some bytes are not on record, or not any more. */
  get isIncomplete(): boolean {
    return outputChannels.some((channel) => this.begins[channel] > 0 || this.writers[channel].skipped > 0);
  }

  /** As `OutputWriter.push` does. */
  push(channel: OutputChannel, offset: number, bytes: Buffer): void | Promise<void> {
    if (this.#kept() + bytes.length <= this.capBytes) return this.writers[channel].push(offset, bytes);
    return (this.#dropping ??= this.#drop()).then(() => this.writers[channel].push(offset, bytes));
  }

  /** Records what is left. */
  async flush(): Promise<void> {
    await Promise.all(outputChannels.map((channel) => this.writers[channel].flush()));
  }

  #kept(): number {
    return this.#keptOf('stdout') + this.#keptOf('stderr');
  }

  async #drop(): Promise<void> {
    try {
      const channel = this.#keptOf('stdout') >= this.#keptOf('stderr') ? 'stdout' : 'stderr';
      const surplus = this.#kept() - this.capBytes + Math.min(Math.floor(this.capBytes / STEPS), LONGEST_STEP_BYTES);
      const revision = await revisionOf(this.store, this.runId, channel, this.begins[channel] + surplus);
      await this.store.truncate(outputStream(this.runId, channel), revision);
      this.begins[channel] = (await outputStart(this.store, this.runId, channel))?.offset ?? this.begins[channel];
    } finally {
      this.#dropping = null;
    }
  }

  /** What is on record or will be soon. */
  #keptOf(channel: OutputChannel): number {
    return this.writers[channel].end - this.begins[channel];
  }
}
