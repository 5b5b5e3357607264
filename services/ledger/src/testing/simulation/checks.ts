/** What must hold after a scenario: against the oracle, and for any order of things. Each throws when it does not. */
import { deepStrictEqual as same, ok } from 'node:assert/strict';
import { eventCodec, type AuditReport, type KgpuEvent, type ReplayLine } from '@kgpu/contracts';
import type { RecordedEvent } from '@kgpu/event-store';
import { audit, claimOf } from '../../audit/audit.ts';
import { settledAt, type Account } from '../../book/account.ts';
import { replay } from '../../replay/replay.ts';
import { accountAt } from '../../statement/account-at.ts';
import { openStretches } from '../../statement/histories.ts';
import { statementPage } from '../../statement/statement.ts';
import { usage } from '../../usage/usage.ts';
import { expectedAccount } from './expectation.ts';
import { OracleAccount, type OracleRental } from './oracle.ts';
import { BEGINNING, type Play } from './play.ts';

/** All of them. `pick` draws numbers in [0, 1). */
export async function check(play: Play, pick: () => number): Promise<void> {
  const facts = await play.world.store.readAll({ limit: 10_000 });
  await checkBooks(play, facts);
  for (const account of play.engine.ledger.book.accounts.values()) {
    await checkStatement(play, account);
    if (!play.scenario.racing) await checkAgainstOracle(play, facts, account, pick);
    await checkTimeTravel(play, facts, account, pick);
  }
}

/** Every ended rental is charged once, the audit finds nothing, a replay makes the same books, usage adds up. */
async function checkBooks(play: Play, facts: readonly RecordedEvent[]): Promise<void> {
  const { ledger } = play.engine;
  const { store } = ledger.context;
  const ids = (wanted: string) => facts.filter(({ type }) => type === wanted).map(({ data }) => (data as { gpu_id: string }).gpu_id).sort();
  same(ids('RentalCharged'), ids('RentalEnded'), 'ended rentals and charges');
  const report: AuditReport = await audit(store, claimOf(ledger.book, ledger.projection.position));
  ok(report.ok, `audit: ${JSON.stringify(report.differences)}`);
  same(await differences(play, {}), 0, 'a replay differs');
  // Without downtime, returns are where working everything out anew puts them.
  if (play.downtimes.length === 0 && !play.scenario.racing) same(await differences(play, { ends: 'recomputed' }), 0, 'a replay with recomputed ends differs');
  await checkUsage(play);
}

async function differences(play: Play, body: { ends?: 'recomputed' }): Promise<number> {
  const { ledger } = play.engine;
  const lines: ReplayLine[] = [];
  const order = { body, until: ledger.now, idleReturnMs: ledger.context.config.KGPU_IDLE_RETURN };
  for await (const line of replay(ledger.context.store, order, new AbortController().signal)) lines.push(line);
  const last = lines.at(-1)!;
  ok(last.line === 'report');
  return last.accounts_that_differ;
}

async function checkUsage({ engine: { ledger }, config }: Play): Promise<void> {
  const running = [...ledger.book.accounts.values()].flatMap((account) => openStretches(account, ledger.now, config.KGPU_IDLE_RETURN, ledger.now));
  const window = { from: BEGINNING, to: ledger.now + 1 };
  const totals: number[] = [];
  for (const groupBy of ['user', 'day', 'gpu_model'] as const) {
    const report = await usage(ledger.context.store, running, { ...window, groupBy });
    same(report.usage.reduce((sum, { units }) => sum + units, 0), report.total.units, `usage by ${groupBy}`);
    totals.push(report.total.units);
  }
  let charged = 0;
  for (const account of ledger.book.accounts.values()) charged += (await accountAt(ledger, account, { at: null, position: null }))!.charged_units;
  same(totals, [charged, charged, charged], 'usage is what accounts were charged');
}

/** Entries add up from page to page, whatever the size of the pages, and end at the balance. */
async function checkStatement({ engine: { ledger }, config }: Play, account: Account): Promise<void> {
  const now = ledger.now;
  const settled = settledAt(account, now, config.KGPU_IDLE_RETURN);
  const all = (await statementPage(ledger.context.store, settled, now, null, 500)).entries;
  const balance = ledger.balance(account).balance;
  same(all[0]!.balance_after, balance, 'the newest entry ends at the balance');
  same(all.reduce((sum, { credits }) => sum + credits, 0), balance, 'credits of a statement add up');
  for (const [index, { balance_after, credits }] of all.entries()) same(balance_after - credits, all[index + 1]?.balance_after ?? 0, 'an entry follows from the one before');
  const paged = [];
  for (let cursor: string | null = null, more = true; more;) {
    const page = await statementPage(ledger.context.store, settled, now, cursor, 3);
    ok(page.entries.length <= 3);
    paged.push(...page.entries);
    cursor = page.next_cursor;
    more = cursor !== null;
  }
  same(paged, all, 'pages');
}

async function checkAgainstOracle(play: Play, facts: readonly RecordedEvent[], account: Account, pick: () => number): Promise<void> {
  const { userId } = account;
  const expected = expectedAccount(play, facts, userId);
  same(play.orders.filter((order) => order.userId === userId).map(({ accepted }) => accepted), expected.accepted, 'grants and take-backs that went through');
  const ofUser = facts.map((fact) => eventCodec.decode(fact)).filter(({ data }) => (data as { user_id?: number }).user_id === userId);
  for (const rental of expected.account.rentals) checkRental(rental, expected.account, ofUser);
  for (let times = 0; times < 6; times++) {
    const at = BEGINNING + Math.floor(pick() * (play.world.clock.ms - BEGINNING + 1));
    await sameBalance(play, account, expected.account, { at, position: null });
  }
}

function checkRental(rental: OracleRental, oracle: OracleAccount, facts: readonly KgpuEvent[]): void {
  const { gpuId } = rental;
  const stop = oracle.stopOf(rental);
  for (const event of facts) {
    // Its renter may return it in the same millisecond.
    if (event.type === 'RentalReturnDue' && event.data.gpu_id === gpuId) same([event.data.reason, Date.parse(event.data.due_at)], [stop.why ?? event.data.reason, stop.at], `why and when ${gpuId} is returned`);
    if (event.type !== 'RentalCharged' || event.data.gpu_id !== gpuId) continue;
    const { minutes, waived_minutes, charged_until } = event.data;
    same([minutes, waived_minutes, Date.parse(charged_until)], [oracle.minutesOf(gpuId), 0, stop.at], `minutes of ${gpuId}`);
  }
}

/** Both axes against a naive fold of what was on record. */
async function checkTimeTravel(play: Play, facts: readonly RecordedEvent[], account: Account, pick: () => number): Promise<void> {
  for (let times = 0; times < 4; times++) {
    const position = Math.floor(pick() * (facts.length + 1));
    const at = times === 0 ? play.world.clock.ms : BEGINNING + Math.floor(pick() * (play.world.clock.ms - BEGINNING + 1));
    const folded = naiveFold(facts.filter((fact) => fact.position <= position), account.userId, play.world.clock.ms);
    await sameBalance(play, account, folded, { at, position });
  }
}

async function sameBalance(play: Play, account: Account, oracle: OracleAccount | null, place: { at: number; position: number | null }): Promise<void> {
  const found = await accountAt(play.engine.ledger, account, place);
  const what = `user ${account.userId} at ${new Date(place.at).toISOString()}, position ${place.position}`;
  same(found?.balance_units ?? null, oracle?.balanceAt(place.at) ?? null, what);
  ok(found === null || found.balance_units >= 0, `${what} is below zero`);
}

/** Grants and rentals as these facts tell them, no more; null: they know of no account. */
function naiveFold(facts: readonly RecordedEvent[], userId: number, now: number): OracleAccount | null {
  const events = facts.map((fact) => eventCodec.decode(fact)).filter(({ data }) => (data as { user_id?: number }).user_id === userId);
  const stops = new Map<string, { at: number; why: string | null }>();
  const stop = (gpuId: string, at: number) => stops.set(gpuId, { at: Math.min(at, stops.get(gpuId)?.at ?? Infinity), why: null });
  for (const event of events) {
    if (event.type === 'RentalEnded') stop(event.data.gpu_id, Date.parse(event.data.at));
    if (event.type === 'RentalReturnDue') stop(event.data.gpu_id, Date.parse(event.data.due_at));
    if (event.type === 'RentalStarted') stop(event.data.gpu_id, Date.parse(event.data.expires_at));
  }
  const rentals = events.flatMap((event) => event.type !== 'RentalStarted' ? [] : [{
    gpuId: event.data.gpu_id, startedAt: Date.parse(event.data.at), price: event.data.price_per_hour_credits, stop: stops.get(event.data.gpu_id)!,
  }]);
  const account = new OracleAccount(rentals);
  for (const event of events) {
    if (event.type === 'AccountOpened' || event.type === 'CreditsGranted') {
      account.approach(Date.parse(event.data.at));
      account.put(Date.parse(event.data.at), event.data.units);
    }
  }
  account.reach(now + 1);
  return account.grants.length === 0 ? null : account;
}
