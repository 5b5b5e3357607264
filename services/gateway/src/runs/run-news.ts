/**
 * Tells those who follow runs that something was recorded about theirs. It follows the record only while somebody listens,
 * since otherwise all output of all runs would go through the gateway for nothing.
 */
import type { EventStore, RecordedEvent, Subscription } from '@kgpu/event-store';
import { Bell } from '../http/bell.ts';

const IDLE_MS = 60_000;

export class RunNews {
  readonly #bell = new Bell();
  readonly #idleCheck: NodeJS.Timeout;
  #following: Promise<Subscription[]> | null = null;
  #usedAt = 0;

  constructor(
    private readonly store: EventStore,
    private readonly expiring: EventStore,
  ) {
    this.#idleCheck = setInterval(() => void this.#stopWhenIdle(), IDLE_MS / 2).unref();
  }

  /** Listens from the moment it resolves; `rang` is as `Bell.next` gives it. */
  async listen(runId: string, deadlineMs: number, signal: AbortSignal): Promise<{ rang: Promise<boolean> }> {
    this.#usedAt = performance.now();
    await (this.#following ??= this.#begin());
    return { rang: this.#bell.next(runId, deadlineMs, signal) };
  }

  async close(): Promise<void> {
    clearInterval(this.#idleCheck);
    await this.#stop();
  }

  /** Should it fail, whoever comes next tries again. */
  #begin(): Promise<Subscription[]> {
    const following = this.#follow();
    following.catch(() => {
      if (this.#following === following) this.#following = null;
    });
    return following;
  }

  async #follow(): Promise<Subscription[]> {
    const ring = ({ stream }: RecordedEvent): void => this.#bell.ring(runOf(stream));
    const [facts, output] = await Promise.all([this.store.head(), this.expiring.head()]);
    return [this.store.subscribe({ categories: ['run'], after: facts }, ring), this.expiring.subscribe({ categories: ['runoutput'], types: ['OutputWritten'], after: output, withoutData: true }, ring)];
  }

  async #stopWhenIdle(): Promise<void> {
    if (performance.now() - this.#usedAt > IDLE_MS) await this.#stop();
  }

  async #stop(): Promise<void> {
    const following = this.#following;
    this.#following = null;
    for (const subscription of (await following?.catch(() => [])) ?? []) await subscription.stop();
  }
}

/** `run-<run_id>` and `runoutput-<run_id>.<channel>` → the run's id */
function runOf(stream: string): string {
  return stream.slice(stream.indexOf('-') + 1).replace(/\.\w+$/, '');
}
