/** What is on record of a run's life: what was ordered, whether it has started, and how it ended. */
import { eventCodec, Problem, type EventData, type RunEvent } from '@kgpu/contracts';
import type { EventStore } from '@kgpu/event-store';
import { userOf, type Caller } from '../identity/caller.ts';

export interface RunLife {
  ordered: EventData<'RunRequested'>;
  started: EventData<'RunStarted'> | null;
  ended: EventData<'RunEnded'> | null;
}

/** More than a run ever has. */
const ALL = 100;

/** Null when there is no such run. */
export async function readLife(store: EventStore, runId: string): Promise<RunLife | null> {
  let life: RunLife | null = null;
  for (const recorded of await store.read(`run-${runId}`, { limit: ALL })) {
    const event = eventCodec.decode<RunEvent>(recorded);
    if (event.type === 'RunRequested') life = { ordered: event.data, started: null, ended: null };
    if (event.type === 'RunStarted') life = { ...life!, started: event.data };
    if (event.type === 'RunEnded') life = { ...life!, ended: event.data };
  }
  return life;
}

/**
 * A run that the caller may see: their own, and from within a rental only those of that rental. Asked of the record and not of the
 * runner: who follows wants bytes, not a view with the end of the output in it.
 * @throws Problem `run_not_found`
 */
export async function findLife(store: EventStore, caller: Caller, runId: string): Promise<RunLife> {
  const life = await readLife(store, runId);
  if (life === null || life.ordered.user_id !== userOf(caller)) throw new Problem('run_not_found');
  if (caller.kind === 'rental' && life.ordered.gpu_id !== caller.gpuId) throw new Problem('run_not_found');
  return life;
}
