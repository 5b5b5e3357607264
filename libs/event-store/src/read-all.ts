import { checkLimit, checkStart } from './commit.ts';
import type { EventFilter, ReadAllOptions, RecordedEvent } from './event-store.ts';
import type { Batch, Log } from './subscription.ts';

/** Reads batches until there are enough events: fewer than `limit` must mean that the log has ended. */
export async function readAll(options: ReadAllOptions, readBatch: Log['readBatch']): Promise<RecordedEvent[]> {
  const { after = 0, limit: wanted, ...filter } = options;
  const limit = checkLimit(wanted);
  let batch = await readBatch(checkStart('after', after), limit, filter);
  const events = batch.events;
  while (!batch.end && events.length < limit) {
    batch = await nextBatch(batch, limit - events.length, filter, readBatch);
    events.push(...batch.events);
  }
  return events;
}

async function nextBatch(batch: Batch, limit: number, filter: EventFilter, readBatch: Log['readBatch']): Promise<Batch> {
  await new Promise(setImmediate);
  return readBatch(batch.position, limit, filter);
}
