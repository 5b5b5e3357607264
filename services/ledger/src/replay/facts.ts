/** The recorded facts as admins read them: in order, without secrets. */
import { userOfId, type LedgerFact } from '@kgpu/contracts';
import type { EventStore, RecordedEvent } from '@kgpu/event-store';

/** So much of the log is looked through for one answer. */
const LOOKED_THROUGH = 20_000;
/** Well below what the bus carries. */
const ANSWER_BYTES = 512 * 1024;
const PAGE_SIZE = 2_000;

export interface FactQuery {
  after: number;
  userId: number | null;
  type: string | null;
  limit: number;
}

export async function listFacts(store: EventStore, { after, userId, type, limit }: FactQuery): Promise<{ events: LedgerFact[]; next_after: number; end: boolean }> {
  const events: LedgerFact[] = [];
  let [next, looked, bytes] = [after, 0, 0];
  while (looked < LOOKED_THROUGH) {
    const page = await store.readAll({ after: next, limit: PAGE_SIZE, ...(type === null ? {} : { types: [type] }) });
    for (const recorded of page) {
      if (events.length >= limit || bytes >= ANSWER_BYTES) return { events, next_after: next, end: false };
      next = recorded.position;
      if (userId !== null && userOf(recorded) !== userId) continue;
      const fact = factOf(recorded);
      bytes += JSON.stringify(fact).length;
      events.push(fact);
    }
    if (page.length < PAGE_SIZE) return { events, next_after: next, end: true };
    looked += page.length;
  }
  return { events, next_after: next, end: false };
}

function factOf({ id, position, stream, revision, type, v, data, metadata, recorded_at }: RecordedEvent): LedgerFact {
  return {
    position, event_id: id, stream, revision, type, v, data: withoutSecrets(data as Record<string, unknown>), recorded_at,
    ...(metadata.request_id === undefined ? {} : { request_id: metadata.request_id }),
    ...(metadata.caused_by === undefined ? {} : { caused_by: metadata.caused_by }),
  };
}

/** Names of variables stay, their values and all hashes of tokens go. */
function withoutSecrets(data: Record<string, unknown>): Record<string, unknown> {
  const seen = { ...data };
  if (typeof seen['env'] === 'object' && seen['env'] !== null) {
    seen['env'] = Object.fromEntries(Object.keys(seen['env']).map((name) => [name, '…']));
  }
  if ('token_hash' in seen) seen['token_hash'] = '…';
  return seen;
}

function userOf({ data }: RecordedEvent): number | null {
  const { user_id, gpu_id } = data as { user_id?: number; gpu_id?: string };
  return user_id ?? (gpu_id === undefined ? null : userOfId(gpu_id));
}
