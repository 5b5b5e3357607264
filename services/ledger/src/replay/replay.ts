/** Reads history again, as it was or what if, beside what was recorded, and tells the difference for each account. */
import { creditsRoundedDown, eventCodec, type KgpuEvent, type ReplayBody, type ReplayLine } from '@kgpu/contracts';
import type { EventStore } from '@kgpu/event-store';
import { owedUnits, type Account } from '../book/account.ts';
import { Book } from '../book/book.ts';
import { whatIf, type WhatIf } from './what-if.ts';

const PAGE_SIZE = 5_000;
const PROGRESS_MS = 250;

export interface ReplayOrder {
  body: ReplayBody;
  /** Business time, milliseconds since 1970: facts of later instants are left out. */
  until: number;
  /** Of the running ledger. */
  idleReturnMs: number;
}

/** Ends when the signal does, without a report. */
export async function* replay(store: EventStore, { body, until, idleReturnMs }: ReplayOrder, signal: AbortSignal): AsyncGenerator<ReplayLine> {
  const started = performance.now();
  const view = whatIf(body, idleReturnMs);
  const [recorded, replayed] = [new Book(), new Book(view.rules)];
  const head = await store.head();
  const last = new Date(until).toISOString();
  let [events, after, told] = [0, 0, started];
  for (let end = false; !end && !signal.aborted;) {
    const page = await store.readAll({ categories: view.categories, after, limit: PAGE_SIZE });
    for (const { id, position, ...each } of page) {
      if (position > head) break;
      const event = eventCodec.decode({ ...each, position });
      if (!belongs(event, body.user_id, last)) continue;
      events++;
      recorded.apply(event, id, position);
      const seen = view.read(event);
      if (seen !== null) replayed.apply(seen, id, position);
    }
    after = page.at(-1)?.position ?? head;
    end = page.length < PAGE_SIZE || after >= head;
    if (!end && performance.now() - told > PROGRESS_MS) {
      told = performance.now();
      yield { line: 'progress', events, position: after, head };
    }
    await new Promise(setImmediate);
  }
  if (signal.aborted) return;
  yield { line: 'progress', events, position: head, head };
  yield* report({ recorded, replayed, view, until, events, started });
}

interface Outcome {
  recorded: Book;
  replayed: Book;
  view: WhatIf;
  until: number;
  events: number;
  started: number;
}

function* report({ recorded, replayed, view, until, events, started }: Outcome): Generator<ReplayLine> {
  recorded.meetAllDeadlines(until);
  replayed.meetAllDeadlines(until);
  const sums = { accounts: 0, accounts_that_differ: 0, balance_units: 0, live_balance_units: 0, difference_units: 0 };
  for (const live of [...recorded.accounts.values()].sort((a, b) => a.userId - b.userId)) {
    if (live.openedAt === null) continue;
    const [units, liveUnits] = [unitsOf(replayed.accounts.get(live.userId)!, until), unitsOf(live, until)];
    const [balance, live_balance] = [creditsRoundedDown(units), creditsRoundedDown(liveUnits)];
    sums.accounts++;
    if (units !== liveUnits) sums.accounts_that_differ++;
    sums.balance_units += units;
    sums.live_balance_units += liveUnits;
    sums.difference_units += units - liveUnits;
    yield {
      line: 'account', user_id: live.userId, balance, live_balance, difference: balance - live_balance,
      balance_units: units, live_balance_units: liveUnits, difference_units: units - liveUnits,
    };
  }
  const elapsed_seconds = Math.round(performance.now() - started) / 1_000;
  yield { line: 'report', events, until: new Date(until).toISOString(), mode: view.mode, ...sums, elapsed_seconds, not_modelled: view.notModelled };
}

function unitsOf(account: Account, at: number): number {
  return account.granted - account.charged - owedUnits(account, at);
}

/** Recorded instants have one spelling, so that they compare as texts. What was due is due from its deadline on, however late it was recorded. */
function belongs({ data }: KgpuEvent, userId: number | undefined, until: string): boolean {
  const { user_id, at, due_at = at } = data as { user_id?: number; at?: string; due_at?: string };
  return (userId === undefined || user_id === userId) && (due_at === undefined || due_at <= until);
}
