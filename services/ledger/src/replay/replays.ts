/** Replays under way: each is read in pieces, and ends when nobody reads it any more. */
import { randomBytes } from 'node:crypto';
import { Problem, UnknownEvent, type ReplayLine } from '@kgpu/contracts';

const AT_ONCE = 4;
const LINES_AT_ONCE = 1_000;
const WAIT_MS = 1_000;
const UNREAD_MS = 10_000;

interface Running {
  lines: AsyncGenerator<ReplayLine>;
  stop: AbortController;
  /** The line that was asked for and has not come yet. */
  next: Promise<IteratorResult<ReplayLine, void>> | null;
  unread: NodeJS.Timeout;
}

export class Replays {
  readonly #running = new Map<string, Running>();

  /** Begins one when it is first read. Throws `service_unavailable` when too many are under way. */
  start(make: (signal: AbortSignal) => AsyncGenerator<ReplayLine>): string {
    if (this.#running.size >= AT_ONCE) throw new Problem('service_unavailable', `${AT_ONCE} replays are under way; try again later.`, { retry_after_seconds: 10 });
    const id = randomBytes(12).toString('hex');
    const stop = new AbortController();
    const unread = setTimeout(() => this.cancel(id), UNREAD_MS).unref();
    this.#running.set(id, { lines: make(stop.signal), stop, next: null, unread });
    return id;
  }

  /** The next lines: waits for the first, takes what is there. Throws `replay_not_found`. */
  async read(id: string): Promise<{ lines: ReplayLine[]; done: boolean }> {
    const replay = this.#running.get(id);
    if (replay === undefined) throw new Problem('replay_not_found');
    replay.unread.refresh();
    const lines: ReplayLine[] = [];
    const late = new Promise<null>((resolve) => setTimeout(() => resolve(null), WAIT_MS).unref());
    while (lines.length < LINES_AT_ONCE) {
      replay.next ??= replay.lines.next();
      const result = await Promise.race([replay.next, late]).catch((error: unknown) => failed(error));
      if (result === null) return { lines, done: false };
      replay.next = null;
      if (result.done === true) {
        this.cancel(id);
        return { lines, done: true };
      }
      lines.push(result.value);
      if (result.value.line === 'failed') {
        this.cancel(id);
        return { lines, done: true };
      }
      if (result.value.line === 'progress') return { lines, done: false };
    }
    return { lines, done: false };
  }

  /** Stops the work. False: there was none. */
  cancel(id: string): boolean {
    const replay = this.#running.get(id);
    if (replay === undefined) return false;
    clearTimeout(replay.unread);
    replay.stop.abort(new Error('cancelled'));
    return this.#running.delete(id);
  }

  close(): void {
    for (const id of this.#running.keys()) this.cancel(id);
  }
}

function failed(error: unknown): IteratorYieldResult<ReplayLine> {
  const { code, message } = error instanceof Problem ? error : { code: 'internal_error', message: error instanceof UnknownEvent ? error.message : 'The replay met a defect.' };
  return { done: false, value: { line: 'failed', code, detail: message } };
}
