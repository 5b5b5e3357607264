/** What happened to a rental, as it is on record. */
import { eventCodec, type RentalEvent, type RentalFact } from '@kgpu/contracts';
import type { EventStore, RecordedEvent } from '@kgpu/event-store';
import type { Bell } from '../http/bell.ts';
import { heartbeat, HEARTBEAT_MS, sentEvent } from '../http/server-sent-events.ts';

/** More than a rental ever has. */
const ALL = 100;

export class RentalHistory {
  constructor(
    private readonly store: EventStore,
    /** Rings for a rental's id. */
    private readonly bell: Bell,
  ) {}

  /** All facts, in order. */
  async read(gpuId: string): Promise<RentalFact[]> {
    return (await this.store.read(`rental-${gpuId}`, { limit: ALL })).map(factOf);
  }

  /** Nothing will come after this position of the log. */
  async isOver(gpuId: string, after: number): Promise<boolean> {
    const last = (await this.read(gpuId)).at(-1);
    return isLast(last) && Number(last.id) <= after;
  }

  /** Those after a position of the log as Server-Sent Events, old and new, until the hardware is free. */
  async *follow(gpuId: string, after: number, signal: AbortSignal): AsyncGenerator<string> {
    for (let last = after; !signal.aborted;) {
      const news = this.bell.next(gpuId, HEARTBEAT_MS, signal);
      const facts = await this.read(gpuId);
      for (const fact of facts.filter(({ id }) => Number(id) > last)) {
        yield sentEvent({ id: fact.id, event: fact.type, data: fact });
        last = Number(fact.id);
      }
      if (isLast(facts.at(-1))) return;
      if (!(await news) && !signal.aborted) yield heartbeat;
    }
  }
}

function isLast(fact: RentalFact | undefined): fact is RentalFact {
  return fact?.type === 'RentalHardwareFreed';
}

/** Without what is nobody's business: variables may hold secrets of the renter, and hashes are ours. */
function factOf(recorded: RecordedEvent): RentalFact {
  const { type, data } = eventCodec.decode<RentalEvent>(recorded);
  const { at, ...rest } = data;
  const shown = Object.entries(rest).filter(([name]) => name !== 'env' && name !== 'token_hash');
  return { id: String(recorded.position), type, at, data: Object.fromEntries(shown) };
}
