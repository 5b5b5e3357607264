import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { EndRental, eventCodec, GetBalance, GrantCredits, OpenAccount, type KgpuEvent, type RequestOf } from '@kgpu/contracts';
import type { NatsBus, RunningService } from '@kgpu/runtime';
import { manualClock, testContext, until, type ManualClock, type TestContext } from '@kgpu/runtime/testing';
import { start } from './start.ts';

const userId = 7;
const gpuId = 'gpu-7-260517010000-0a1b2c3d';
const noon = Date.parse('2026-05-17T12:00:00Z');
const after = (minutes: number) => new Date(noon + minutes * 60_000).toISOString();

let clock: ManualClock;
let context: TestContext;
let ledger: RunningService;

beforeEach(async () => {
  clock = manualClock(new Date(noon));
  context = await testContext({ clock, config: { KGPU_STARTING_CREDITS: '1000', KGPU_IDLE_RETURN: '100h' } });
  ledger = await start(context);
});

afterEach(async () => {
  await ledger.close();
  await context.close();
});

async function restart(whileDown: () => Promise<unknown>): Promise<void> {
  await ledger.close();
  await whileDown();
  ledger = await start(context);
}

/** Records a fact as the service that owns the stream would. Returns its position. */
async function record(stream: string, event: KgpuEvent): Promise<number> {
  const commitId = `${event.type}:${JSON.stringify(event.data).slice(0, 150)}`;
  return (await context.store.append(stream, [eventCodec.encode(event)], { expected: 'any', commitId })).position;
}

const register = (at = after(0)) => record('directory', { type: 'UserRegistered', data: { user_id: userId, email: 'ada@lab.example', name: 'Ada', role: 'user', status: 'active', at } });
const rentalStarted = (at: string, expires_at: string) =>
  record(`rental-${gpuId}`, { type: 'RentalStarted', data: { gpu_id: gpuId, user_id: userId, price_per_hour_credits: 500, expires_at, warning: null, at } });
const rentalEnded = (at: string) => record(`rental-${gpuId}`, { type: 'RentalEnded', data: { gpu_id: gpuId, user_id: userId, reason: 'returned', message: null, at } });

const balance = (at: string | null = null, minPosition?: number) =>
  context.bus.ask(GetBalance, { user_id: userId, at }, { requestId: 'spec', ...(minPosition === undefined ? {} : { minPosition }) });
const grant = (credits: number, commandId: string) =>
  context.bus.ask(GrantCredits, { command_id: commandId, user_id: userId, credits, note: null, granted_by: 'admin' }, { requestId: 'spec' });
const factsOfAccount = () => context.store.read(`account-${userId}`);
const charges = async () => (await factsOfAccount()).filter(({ type }) => type === 'RentalCharged');

/** Answers in place of the rental service, and records the end as it would. */
function answerEndRental(): RequestOf<typeof EndRental>[] {
  const asked: RequestOf<typeof EndRental>[] = [];
  (context.bus as NatsBus).connection.subscribe(EndRental.subject, { callback: (_error, message) => {
    const { request } = message.json<{ request: RequestOf<typeof EndRental> }>();
    asked.push(request);
    const data = { gpu_id: gpuId, user_id: userId, reason: request.reason, message: null, at: request.at! };
    void record(`rental-${gpuId}`, { type: 'RentalEnded', data }).then((position) => message.respond(JSON.stringify({ reply: { rental: {}, position } })));
  } });
  return asked;
}

describe('the ledger', () => {
  it('opens one account for each registered user, asked or not', async () => {
    const position = await register();
    expect(await balance(null, position)).toEqual({ balance: 1_000, price_per_hour_credits: 500, starting_credits: 1_000, burn_per_hour_credits: 0, runs_out_at: null });
    await context.bus.ask(OpenAccount, { user_id: userId }, { requestId: 'spec' });
    expect((await factsOfAccount()).map(({ type }) => type)).toEqual(['AccountOpened']);
  });

  it('knows no account of somebody who is not registered', async () => {
    await expect(balance()).rejects.toMatchObject({ code: 'account_not_found' });
    await expect(grant(5, 'a')).rejects.toMatchObject({ code: 'account_not_found' });
  });

  it('grants once, however often one command comes, and answers with the new balance', async () => {
    await context.bus.ask(OpenAccount, { user_id: userId }, { requestId: 'spec' });
    const first = await grant(500, 'a');
    expect(first.balance.balance).toBe(1_500);
    expect(await grant(500, 'a')).toEqual(first);
    await expect(grant(-1_501, 'b')).rejects.toMatchObject({ code: 'balance_too_low', fields: { balance: 1_500 } });
  });

  it('charges the minutes of a running rental as they begin, and leaves them out of what can be taken back', async () => {
    const position = await register().then(() => rentalStarted(after(0), after(600)));
    clock.advance(60 * 60_000 + 1);
    expect(await balance(null, position)).toMatchObject({ balance: 491, burn_per_hour_credits: 500, runs_out_at: after(120) });
    await expect(grant(-492, 'a')).rejects.toMatchObject({ code: 'balance_too_low' });
  });

  it('charges an ended rental once and names the events that say so', async () => {
    await register().then(() => rentalStarted(after(0), after(600)));
    clock.advance(61 * 60_000);
    const position = await rentalEnded(after(60.5));
    await until(async () => (await charges()).length === 1);
    const rental = await context.store.read(`rental-${gpuId}`);
    expect((await charges())[0]).toMatchObject({ data: { minutes: 61, units: 30_500, caused_by: rental.map(({ id }) => id) }, metadata: { commit_id: `charge:${gpuId}` } });
    expect(await balance(null, position)).toMatchObject({ balance: 491, burn_per_hour_credits: 0, runs_out_at: null });
  });

  it('charges after a restart what ended while it was down, and nothing twice', async () => {
    await register().then(() => rentalStarted(after(0), after(600)));
    clock.advance(11 * 60_000);
    await restart(() => rentalEnded(after(10)));
    await until(async () => (await charges()).length === 1);
    await restart(async () => undefined);
    expect(await balance()).toMatchObject({ balance: 916 });
    expect(await charges()).toHaveLength(1);
  });

  it('tells the balance of any instant since the account was opened', async () => {
    await balance(null, await register());
    await rentalStarted(after(10), after(600));
    clock.advance(100 * 60_000);
    const position = await rentalEnded(after(70));
    await until(async () => (await charges()).length === 1);
    expect(await balance(after(5), position)).toMatchObject({ balance: 1_000, burn_per_hour_credits: 0 });
    expect(await balance(after(40))).toMatchObject({ balance: 750, burn_per_hour_credits: 500, runs_out_at: after(130) });
    expect(await balance(after(80))).toMatchObject({ balance: 500, burn_per_hour_credits: 0 });
    for (const at of [after(-1), after(101)]) {
      await expect(balance(at)).rejects.toMatchObject({ code: 'invalid_request', fields: { errors: [{ pointer: '/query/at' }] } });
    }
  });

  it('lets no minute be paid twice when a take-back meets a start that it has not seen', async () => {
    answerEndRental();
    await balance(null, await register());
    clock.advance(1);
    await grant(-1_000, 'all');
    // Started a moment before, recorded a moment after.
    const position = await rentalStarted(after(0), after(600));
    await until(async () => (await charges()).length === 1);
    expect((await charges())[0]).toMatchObject({ data: { minutes: 0, waived_minutes: 0, units: 0, charged_until: after(0) } });
    expect((await factsOfAccount()).map(({ type }) => type)).toEqual(['AccountOpened', 'CreditsGranted', 'RentalReturnDue', 'RentalCharged']);
    for (const at of [after(0), null]) expect((await balance(at, position)).balance).toBeGreaterThanOrEqual(0);
  });

  it('charges up to a deadline that was missed, though the renter returned the GPU after it', async () => {
    await register().then(() => rentalStarted(after(0), after(30)));
    await restart(async () => {
      clock.advance(100 * 60_000);
      await rentalEnded(after(90));
    });
    await until(async () => (await charges()).length === 1);
    expect((await charges())[0]).toMatchObject({ data: { minutes: 30, ended_at: after(90), charged_until: after(30) } });
    expect((await factsOfAccount()).at(-2)).toMatchObject({ type: 'RentalReturnDue', data: { reason: 'duration_expired', due_at: after(30) } });
  });

  it('returns a GPU at the end of its duration', async () => {
    const asked = answerEndRental();
    const expiresAt = new Date(noon + 300).toISOString();
    await register().then(() => rentalStarted(after(0), expiresAt));
    setTimeout(() => clock.advance(300), 50);
    await until(() => asked.length > 0);
    expect(asked).toMatchObject([{ command_id: `autoreturn:${gpuId}`, gpu_id: gpuId, user_id: null, reason: 'duration_expired', at: expiresAt }]);
  });

  it('returns a GPU that ran out of credits while everything was down, stamped at the minute that could not be paid', async () => {
    await register().then(() => rentalStarted(after(0), after(600)));
    let asked: RequestOf<typeof EndRental>[] = [];
    await restart(async () => clock.advance(300 * 60_000));
    // The rental service comes back later than the ledger.
    expect(await balance()).toMatchObject({ balance: 0 });
    asked = answerEndRental();
    await until(async () => (await charges()).length === 1);
    expect(asked).toMatchObject([{ reason: 'out_of_credits', at: after(120) }]);
    expect((await charges())[0]).toMatchObject({ data: { minutes: 120, units: 60_000 } });
    expect(await balance()).toMatchObject({ balance: 0, burn_per_hour_credits: 0 });
  });
});
