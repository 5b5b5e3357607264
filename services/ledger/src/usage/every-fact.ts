import type { EventFilter, EventStore, RecordedEvent } from '@kgpu/event-store';

const PAGE_SIZE = 5_000;

/** Every recorded fact of a filter, in order, a page at a time. */
export async function* everyFact(store: EventStore, filter: EventFilter): AsyncGenerator<RecordedEvent> {
  for (let after = 0; ;) {
    const page = await store.readAll({ ...filter, after, limit: PAGE_SIZE });
    yield* page;
    if (page.length < PAGE_SIZE) return;
    after = page.at(-1)!.position;
  }
}
