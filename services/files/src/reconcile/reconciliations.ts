/** Reconciliations that somebody asked for: they run by themselves, and are read in pieces. */
import { Problem, type ReconciliationLine } from '@kgpu/contracts';

const AT_ONCE = 2;
const LINES_AT_ONCE = 1_000;
const MAX_WAITING_LINES = 100_000;
const WAIT_MS = 4_000;
/** How long one that is over, or that nobody reads, is remembered. */
const UNREAD_MS = 10 * 60_000;

interface Running {
  lines: ReconciliationLine[];
  done: boolean;
  stop: AbortController;
  ended: Promise<void>;
  changed: PromiseWithResolvers<void>;
  unread: NodeJS.Timeout;
}

export class Reconciliations {
  readonly #running = new Map<string, Running>();

  /** The same id again: the one that was begun then. Throws `service_unavailable` when too many are under way. */
  start(id: string, make: (signal: AbortSignal) => AsyncGenerator<ReconciliationLine>): void {
    if (this.#running.has(id)) return;
    const underWay = [...this.#running.values()].filter(({ done }) => !done).length;
    if (underWay >= AT_ONCE) throw new Problem('service_unavailable', `${AT_ONCE} reconciliations are under way; try again later.`, { retry_after_seconds: 30 });
    const running: Running = {
      lines: [], done: false, stop: new AbortController(), ended: Promise.resolve(), changed: Promise.withResolvers(), unread: setTimeout(() => this.cancel(id), UNREAD_MS).unref(),
    };
    this.#running.set(id, running);
    running.ended = collect(running, make(running.stop.signal));
  }

  /** The next lines: waits for the first, takes what is there. Throws `reconciliation_not_found`. */
  async read(id: string): Promise<{ lines: ReconciliationLine[]; done: boolean }> {
    const running = this.#running.get(id);
    if (running === undefined) throw new Problem('reconciliation_not_found');
    running.unread.refresh();
    if (running.lines.length === 0 && !running.done) await Promise.race([running.changed.promise, within(WAIT_MS)]);
    const lines = running.lines.splice(0, LINES_AT_ONCE);
    return { lines, done: running.done && running.lines.length === 0 };
  }

  /** Stops the work; nothing of it stays but what is recorded. */
  cancel(id: string): void {
    const running = this.#running.get(id);
    if (running === undefined) return;
    clearTimeout(running.unread);
    running.stop.abort(new Error('cancelled'));
    this.#running.delete(id);
  }

  async close(): Promise<void> {
    const ended = [...this.#running.values()].map((running) => running.ended);
    for (const id of this.#running.keys()) this.cancel(id);
    await Promise.all(ended);
  }
}

async function collect(running: Running, lines: AsyncGenerator<ReconciliationLine>): Promise<void> {
  const tell = () => {
    running.changed.resolve();
    running.changed = Promise.withResolvers();
  };
  try {
    for await (const line of lines) {
      // Nobody reads: progress can be spared.
      if (line.line !== 'progress' || running.lines.length < MAX_WAITING_LINES) running.lines.push(line);
      tell();
    }
  } catch (error) {
    const { code, message } = error instanceof Problem ? error : { code: 'internal_error', message: 'The reconciliation met a defect.' };
    running.lines.push({ line: 'failed', code, detail: message });
  }
  running.done = true;
  tell();
}

async function within(ms: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms).unref());
}
