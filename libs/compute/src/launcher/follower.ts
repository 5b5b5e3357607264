import type { ExecSession } from '../compute.ts';
import { LocalOutput, LocalOutputUnreadable } from './local-output.ts';
import type { LocalSource } from './local-output.ts';
import { MarkedLine } from './marked-line.ts';
import { endOf, UptimeClock } from './run-end.ts';
import type { RunEnd } from './run-end.ts';
import { RunChannel } from './run-channel.ts';
import type { RunHandlers, RunOffsets } from './run-channel.ts';
import { Ticker } from './ticker.ts';

/** How much of an error's text is kept. */
const noiseLength = 4_096;
const exitDeadlineMs = 5_000;
/** So much of the run's stderr may overtake the head, which comes on the other channel. */
const mostEarlyBytes = 1_048_576;

/** One session of `kgpu-run`: reads head, output and trailers from its two channels. */
export class Follower {
  readonly #ticker: Ticker;
  readonly #clock = new UptimeClock();
  readonly #head: MarkedLine;
  /** Reads the output, if it can be: then the session doesn't carry it. */
  readonly #local: LocalOutput | null;
  #channels: { stdout: RunChannel; stderr: RunChannel; startedUptime: number } | null = null;
  #beginning: Promise<void> | null = null;
  #noise = '';
  #early: Buffer[] = [];
  #earlyBytes = 0;

  constructor(
    readonly session: ExecSession, readonly nonce: string, readonly asked: RunOffsets,
    readonly handlers: RunHandlers, readonly onBegun: () => void, local: LocalSource | null = null,
  ) {
    this.#head = new MarkedLine(nonce);
    this.#ticker = new Ticker(session.stdin);
    this.#local = local && new LocalOutput(local, asked, handlers, () => this.#ticker.heard());
    session.stdin.on('error', () => {}); // a follower that has left takes no more ticks: its channels tell
  }

  /** Reads until the trailers or the end of the channels. Throws what a handler throws. */
  async end(): Promise<RunEnd> {
    try {
      await this.session.read({ stdout: (bytes) => this.#takeStdout(bytes), stderr: (bytes) => this.#takeStderr(bytes) });
      if (this.#channels === null) return await this.#withoutHead();
      const { stdout, stderr, startedUptime } = this.#channels;
      const [out, err] = [await stdout.finish(), await stderr.finish()];
      const isWhole = (await this.#local?.finish(out !== null)) ?? true;
      if (this.handlers.signal?.aborted) return { outcome: 'cut', why: 'let go' };
      if (out?.[0] === 'lost') return endOf(out, 0, this.#clock);
      if (out === null || err === null) return { outcome: 'cut', why: 'the session ended without a trailer' };
      const end = endOf(out, startedUptime, this.#clock);
      return end.outcome === 'exited' && !isWhole ? { ...end, outputLost: true } : end;
    } catch (error) {
      if (error instanceof LocalOutputUnreadable) return { outcome: 'cut', why: error.message };
      throw error;
    } finally {
      await this.#local?.finish(false).catch(() => {}); // what it threw has been thrown already, or something came before it
      this.#ticker.stop();
    }
  }

  #takeStdout(bytes: Buffer): void | Promise<void> {
    this.#ticker.heard();
    if (this.#channels !== null) return this.#push(this.#channels.stdout, bytes);
    this.#keepNoise(this.#head.push(bytes));
    if (this.#head.words === null) return;
    if (this.#head.words[0] !== 'head') return this.session.close(); // lost before it began
    return (this.#beginning = this.#begin(this.#head.words, this.#head.after));
  }

  #takeStderr(bytes: Buffer): void | Promise<void> {
    this.#ticker.heard();
    if (this.#beginning !== null) return this.#beginning.then(() => this.#takeStderr(bytes));
    if (this.#channels !== null) return this.#push(this.#channels.stderr, bytes);
    this.#early.push(Buffer.from(bytes));
    this.#earlyBytes += bytes.length;
    if (this.#earlyBytes > mostEarlyBytes) this.session.close(); // it is followed anew
  }

  /** Both channels have ended by a trailer: what the session does after it is of no interest. */
  #push(channel: RunChannel, bytes: Buffer): void | Promise<void> {
    const held = channel.push(bytes);
    if (held !== undefined) return held.then(() => this.#closeAtTheEnd());
    this.#closeAtTheEnd();
  }

  #closeAtTheEnd(): void {
    if (this.#channels?.stdout.isEnded && this.#channels.stderr.isEnded) this.session.close();
  }

  /** Tells the session, which waits for it, who reads the output. */
  async #readsLocally(): Promise<boolean> {
    if (this.#local === null) return false;
    const isOpen = await this.#local.open();
    this.session.stdin.write(isOpen ? 'read\n' : 'send\n');
    if (isOpen) this.#local.begin(() => this.session.close());
    return isOpen;
  }

  /** `head <offset of stdout> <offset of stderr> <pid> <uptime at start> <uptime now>` */
  async #begin(words: readonly string[], after: Buffer): Promise<void> {
    const [stdout = 0, stderr = 0, pid = 0, startedUptime = 0, now = 0] = words.slice(1).map(Number);
    this.#clock.sync(now, Date.now());
    this.onBegun();
    await this.handlers.onStarted?.({ pid, startedAt: this.#clock.at(startedUptime, new Date()) });
    const channels = {
      stdout: new RunChannel('stdout', this.asked.stdout, stdout, this.nonce, this.handlers),
      stderr: new RunChannel('stderr', this.asked.stderr, stderr, this.nonce, this.handlers),
      startedUptime,
    };
    this.#channels = channels;
    if (!(await this.#readsLocally())) {
      await channels.stdout.begin();
      await channels.stderr.begin();
    }
    for (const bytes of this.#early.splice(0)) await channels.stderr.push(bytes);
    this.#beginning = null;
    await this.#push(channels.stdout, after);
  }

  /** The shell or the engine said no before anything began. */
  async #withoutHead(): Promise<RunEnd> {
    const { words } = this.#head;
    if (words?.[0] === 'lost') return endOf(words, 0, this.#clock);
    if (this.#earlyBytes <= mostEarlyBytes) for (const bytes of this.#early) this.#keepNoise(bytes);
    const exitCode = await Promise.race([this.session.exit, new Promise<null>((resolve) => setTimeout(resolve, exitDeadlineMs, null).unref())]);
    const said = this.#noise.trim();
    if (/argument list too long/i.test(said)) return notStarted('start_failed', 126, 'the arguments and variables are longer than Linux takes');
    if (exitCode === 70) return notStarted('start_failed', exitCode, `the container cannot record the run: ${said}`);
    // engines name the program; what isn't found otherwise may be the container, which is being destroyed
    const noShell = (exitCode === 126 || exitCode === 127) && said.includes('/bin/sh');
    if (noShell) return notStarted('image_without_shell', exitCode, said);
    return { outcome: 'cut', why: said || 'the session ended before it began' };
  }

  #keepNoise(bytes: Buffer): void {
    if (this.#noise.length < noiseLength) this.#noise += bytes.toString('utf8', 0, noiseLength);
  }
}

function notStarted(why: 'image_without_shell' | 'start_failed', exitCode: number | null, message: string): RunEnd {
  return { outcome: 'not_started', why, exitCode, message };
}
