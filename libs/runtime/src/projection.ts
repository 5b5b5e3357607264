import { eventCodec, Problem, type KgpuEvent } from '@kgpu/contracts';
import type { EventStore, RecordedEvent, SubscribeOptions } from '@kgpu/event-store';

const DEFAULT_DEADLINE_MS = 3_000;

/** A view of the log in memory, kept up to date by a subscription. */
export interface Projection {
  readonly position: number;
  /** Resolves when it knows everything that was in the log when it began; rejects when it halted before. */
  readonly ready: Promise<void>;
  /** Resolves when it knows the log up to `position` (nothing to wait for without one). Throws `service_timeout` after the deadline. */
  reached(position?: number, deadlineMs?: number): Promise<void>;
  /** Why it stands still: an event that this build does not know, or a defect. It then answers from what it knew before. */
  readonly halted: Error | null;
  /** Calls back when it halts (at once when it has). */
  onHalt(listener: (error: Error) => void): void;
  close(): Promise<void>;
}

/**
 * Applies every event of the filter, in the current shape of its type, in order, from the start or after a position (of a
 * snapshot). `apply` is synchronous and must not throw on a fact.
 */
export function follow(store: EventStore, filter: SubscribeOptions, apply: (event: KgpuEvent, recorded: RecordedEvent) => void): Projection {
  const subscription = store.subscribe(filter, (recorded) => apply(eventCodec.decode(recorded), recorded));
  // Who waits hears of it; nobody waiting is no reason to end the process.
  subscription.caughtUp.catch(() => undefined);
  return {
    get position() {
      return subscription.position;
    },
    get halted() {
      return subscription.halted;
    },
    onHalt(listener) {
      // No log gets that far: this ends when the subscription does.
      subscription.reached(Number.MAX_SAFE_INTEGER).catch(() => {
        if (subscription.halted !== null) listener(subscription.halted);
      });
    },
    ready: subscription.caughtUp,
    async reached(position, deadlineMs = DEFAULT_DEADLINE_MS) {
      if (position === undefined || subscription.position >= position) return;
      try {
        await subscription.reached(position, AbortSignal.timeout(deadlineMs));
      } catch (cause) {
        throw new Problem('service_timeout', 'The answer would be older than what you have just written; try again.', { retry_after_seconds: 1 }, { cause });
      }
    },
    close: () => subscription.stop(),
  };
}
