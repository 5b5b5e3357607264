import type { ForgettingEventStore } from './event-store.ts';
import { MemoryEventStore } from './memory-event-store.ts';
import { SqliteEventStore } from './sqlite-event-store.ts';

/**
 * Opens the store that a setting names: `sqlite:<file>` (made when it isn't there) or `memory:` (forgotten at the end of
 * the process). Throws an Error for anything else.
 */
export async function openEventStore(url: string): Promise<ForgettingEventStore> {
  if (url === 'memory:') return new MemoryEventStore();
  const file = /^sqlite:(.+)$/.exec(url)?.[1];
  if (file !== undefined) return SqliteEventStore.open(file);
  // Without what comes after the scheme: it may hold a password.
  throw new Error(`the event store is sqlite:<file> or memory:, not ${/^[\w+.-]*:?/.exec(url)![0] || JSON.stringify(url)}…`);
}
