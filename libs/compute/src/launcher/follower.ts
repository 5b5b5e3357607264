import type { Readable } from 'node:stream';
import type { ExecSession } from '../compute.ts';
import { MarkedLine } from './marked-line.ts';
import { endOf, UptimeClock } from './run-end.ts';
import type { RunEnd } from './run-end.ts';
import { RunChannel } from './run-channel.ts';
import type { RunHandlers, RunOffsets } from './run-channel.ts';
import { Ticker } from './ticker.ts';

interface Head {
  /** Where the output of each channel begins: later than asked for when the container has dropped some. */
  offsets: RunOffsets;
  startedUptime: number;
}

/** How much of an error's text is kept. */
const noiseLength = 4_096;
const exitDeadlineMs = 5_000;

/** One session of `kgpu-run`: reads head, output and trailers from its two channels. */
export class Follower {
  readonly #ticker: Ticker;
  readonly #clock = new UptimeClock();
  readonly #head = Promise.withResolvers<Head | null>();
  #noise = '';

  constructor(
    readonly session: ExecSession, readonly nonce: string, readonly asked: RunOffsets,
    readonly handlers: RunHandlers, readonly onBegun: () => void,
  ) {
    this.#ticker = new Ticker(session.stdin);
    session.stdin.on('error', () => {}); // a follower that has left takes no more ticks: its streams tell
  }

  /** Reads until the trailers or the end of the streams. Throws what a handler throws. */
  async end(): Promise<RunEnd> {
    try {
      const [out, err] = await Promise.all([this.#closing(this.#readStdout()), this.#closing(this.#readStderr())]);
      const head = await this.#head.promise;
      if (out?.[0] === 'lost') return endOf(out, 0, this.#clock);
      if (head === null) return await this.#withoutHead();
      if (out === null || err === null) return { outcome: 'cut', why: 'the session ended without a trailer' };
      return endOf(out, head.startedUptime, this.#clock);
    } finally {
      this.#ticker.stop();
    }
  }

  /** A channel that fails takes the session down, or the other one would wait for ever. */
  async #closing<T>(reading: Promise<T>): Promise<T> {
    try {
      return await reading;
    } catch (error) {
      this.#head.resolve(null);
      this.session.close();
      throw error;
    }
  }

  /** The words of the trailer; null when the stream ended without. */
  async #readStdout(): Promise<string[] | null> {
    const line = new MarkedLine(this.nonce);
    let channel: RunChannel | null = null;
    for await (const chunk of untilCut(this.session.stdout)) {
      this.#ticker.heard();
      let bytes = chunk;
      if (channel === null) {
        this.#keepNoise(line.push(bytes));
        if (line.words === null) continue;
        if (line.words[0] !== 'head') break; // lost before it began
        channel = await this.#begin(line.words);
        bytes = line.after;
      }
      if (await channel.push(bytes)) break;
    }
    this.#head.resolve(null);
    return channel === null ? line.words : channel.finish();
  }

  async #readStderr(): Promise<string[] | null> {
    const head = await this.#head.promise;
    const channel = head === null ? null : new RunChannel('stderr', this.asked.stderr, head.offsets.stderr, this.nonce, this.handlers);
    await channel?.begin();
    for await (const chunk of untilCut(this.session.stderr)) {
      this.#ticker.heard();
      if (channel === null) this.#keepNoise(chunk);
      else if (await channel.push(chunk)) break;
    }
    return channel === null ? null : channel.finish();
  }

  /** `head <offset of stdout> <offset of stderr> <pid> <uptime at start> <uptime now>` */
  async #begin(words: readonly string[]): Promise<RunChannel> {
    const [stdout = 0, stderr = 0, pid = 0, startedUptime = 0, now = 0] = words.slice(1).map(Number);
    this.#clock.sync(now, Date.now());
    this.onBegun();
    await this.handlers.onStarted?.({ pid, startedAt: this.#clock.at(startedUptime, new Date()) });
    const channel = new RunChannel('stdout', this.asked.stdout, stdout, this.nonce, this.handlers);
    this.#head.resolve({ offsets: { stdout, stderr }, startedUptime });
    await channel.begin();
    return channel;
  }

  /** The shell or the engine said no before anything began. */
  async #withoutHead(): Promise<RunEnd> {
    const exitCode = await Promise.race([this.session.exit, new Promise<null>((resolve) => setTimeout(resolve, exitDeadlineMs, null).unref())]);
    const said = this.#noise.trim();
    if (/argument list too long/i.test(said)) return notStarted('start_failed', 126, 'the arguments and variables are longer than Linux takes');
    if (exitCode === 70) return notStarted('start_failed', exitCode, `the container cannot record the run: ${said}`);
    const noShell = (exitCode === 126 || exitCode === 127) && (said === '' || /\/bin\/sh|no such file|not found/i.test(said));
    if (noShell) return notStarted('image_without_shell', exitCode, said || 'the image has no /bin/sh');
    return { outcome: 'cut', why: said || 'the session ended before it began' };
  }

  #keepNoise(bytes: Buffer): void {
    if (this.#noise.length < noiseLength) this.#noise += bytes.toString('utf8', 0, noiseLength);
  }
}

function notStarted(why: 'image_without_shell' | 'start_failed', exitCode: number | null, message: string): RunEnd {
  return { outcome: 'not_started', why, exitCode, message };
}

/** A stream that is cut ends: what matters is whether the trailer has come. */
async function* untilCut(stream: Readable): AsyncGenerator<Buffer> {
  try {
    for await (const chunk of stream) yield chunk as Buffer;
  } catch {
    return;
  }
}
