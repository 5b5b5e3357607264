/** Long answers in parts: asked for one page at a time, when the client has taken what came before. */
import { entryColumns, ListEntries, ListLedgerEvents, toCsv, type RequestOf } from '@kgpu/contracts';
import { setTimeout as delay } from 'node:timers/promises';
import type { Asker, Parts } from '../http/parts.ts';
import { lines } from '../http/work-lines.ts';

const PAGE = 500;
const NEW_FACTS_MS = 1_000;

/** A statement as CSV, from a cursor to its end. The first part is there at once, so that what goes wrong is a problem and no broken file. */
export async function statementCsv(parts: Parts, asker: Asker, userId: number, from: string | null): Promise<() => AsyncGenerator<string>> {
  const page = (cursor: string | null) => parts.ask(ListEntries, { user_id: userId, limit: PAGE, cursor }, asker);
  const first = await page(from);
  return async function* () {
    yield toCsv(entryColumns, first.entries);
    for (let cursor = first.next_cursor; cursor !== null;) {
      const { entries, next_cursor } = await page(cursor);
      yield withoutHead(toCsv(entryColumns, entries));
      cursor = next_cursor;
    }
  };
}

export interface FactsWanted extends Omit<RequestOf<typeof ListLedgerEvents>, 'limit'> {
  follow: boolean;
}

/** Facts as lines of JSON, to the end of the log or, with `follow`, beyond it. */
export async function factLines(parts: Parts, asker: Asker, { follow, ...wanted }: FactsWanted): Promise<(signal: AbortSignal) => AsyncGenerator<string>> {
  const page = (after: number | undefined) => parts.ask(ListLedgerEvents, { ...wanted, after, limit: PAGE }, asker);
  const first = await page(wanted.after);
  return async function* (signal) {
    for (let { events, next_after, end } = first; ; { events, next_after, end } = await page(next_after)) {
      if (events.length > 0) yield lines(events);
      if (signal.aborted || (end && !follow)) return;
      if (end) await delay(NEW_FACTS_MS, undefined, { signal }).catch(() => undefined);
      if (signal.aborted) return;
    }
  };
}

function withoutHead(csv: string): string {
  return csv.slice(csv.indexOf('\n') + 1);
}
