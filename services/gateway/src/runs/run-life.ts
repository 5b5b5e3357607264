/** What is on record of a run's life: whether it has started, and how it ended. */
import { eventCodec, type EventData, type RunEvent } from '@kgpu/contracts';
import type { EventStore } from '@kgpu/event-store';

export interface RunLife {
  started: EventData<'RunStarted'> | null;
  ended: EventData<'RunEnded'> | null;
}

/** More than a run ever has. */
const ALL = 100;

export async function readLife(store: EventStore, runId: string): Promise<RunLife> {
  const life: RunLife = { started: null, ended: null };
  for (const recorded of await store.read(`run-${runId}`, { limit: ALL })) {
    const event = eventCodec.decode<RunEvent>(recorded);
    if (event.type === 'RunStarted') life.started = event.data;
    if (event.type === 'RunEnded') life.ended = event.data;
  }
  return life;
}
