import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { until } from '@kgpu/runtime/testing';
import type { FrontDoor } from './front-door.ts';
import { startSystem, type System } from './system.ts';

/** An hour of business time takes two seconds. */
const SPEED = '1800';
let system: System;
let admin: FrontDoor;

beforeAll(async () => {
  system = await startSystem({ KGPU_CLOCK_SPEED: SPEED, KGPU_STARTING_CREDITS: '2000', KGPU_RATE_LIMIT_PER_MINUTE: '1000000', KGPU_IDLE_RETURN: '30h', KGPU_ALLOW_INSECURE_PROCESS: '1' });
  ({ admin } = system);
}, 60_000);
afterAll(() => system.remove());

const rent = async (as: FrontDoor = admin) => (await as.post('/v1/gpus', { image: 'debian:12-slim', wait_seconds: 30 })).body;
const lines = (text: unknown) => (typeof text === 'string' ? text.trim().split('\n').map((line) => JSON.parse(line) as Record<string, any>) : [text as Record<string, any>]);
const replay = async (body: object) => lines((await admin.post('/v1/admin/ledger/replay', body)).body);
let users = 0;

/** Somebody with an account of their own. */
async function newcomer(): Promise<{ id: number; as: FrontDoor }> {
  const { body: { user_id: id } } = await admin.post('/v1/admin/users', { email: `u${++users}@lab.example` });
  return { id, as: admin.as((await admin.post(`/v1/admin/users/${id}/tokens`)).body['token']) };
}

describe('grants', () => {
  it('add up when a thousand come at once', async () => {
    const { id, as } = await newcomer();
    const replies = await Promise.all(Array.from({ length: 1_000 }, () => admin.post(`/v1/admin/users/${id}/credits`, { credits: 3 })));
    expect(new Set(replies.map(({ status }) => status))).toEqual(new Set([200]));
    expect(await as.get('/v1/balance')).toMatchObject({ body: { balance: 5_000, starting_credits: 2_000 } });
    const { body } = await as.get('/v1/balance/entries?limit=500');
    expect(body['entries']).toHaveLength(500);
    expect(body['entries'][0]).toMatchObject({ kind: 'grant', credits: 3, balance_after: 5_000 });
  }, 60_000);

  it('are given once for one idempotency key, at once or later', async () => {
    const { id, as } = await newcomer();
    const give = () => admin.post(`/v1/admin/users/${id}/credits`, { credits: 5 }, { 'idempotency-key': 'once' });
    const replies = await Promise.all([give(), give(), give()]);
    expect(replies.every(({ status }) => status === 200 || status === 409)).toBe(true);
    expect(await give()).toMatchObject({ status: 200, body: { balance: 2_005 } });
    expect(await as.get('/v1/balance')).toMatchObject({ body: { balance: 2_005 } });
    expect(await admin.post(`/v1/admin/users/${id}/credits`, { credits: 6 }, { 'idempotency-key': 'once' })).toMatchObject({ status: 409, body: { code: 'idempotency_key_reused' } });
  });

  it('are whole credits that can be counted, and take back no more than there is', async () => {
    const { id } = await newcomer();
    const give = (body: string) => fetch(`${system.url}/v1/admin/users/${id}/credits`, { method: 'POST', headers: { authorization: `Bearer ${system.adminToken}`, 'content-type': 'application/json' }, body });
    for (const credits of ['0', '0.5', '1e999', '1e15', '"5"', 'null']) expect((await give(`{"credits":${credits}}`)).status).toBe(422);
    expect((await give('{"credits":NaN}')).status).toBe(400);
    expect(await admin.post(`/v1/admin/users/${id}/credits`, { credits: -2_001 })).toMatchObject({ status: 409, body: { code: 'balance_too_low', balance: 2_000 } });
    expect(await admin.post(`/v1/admin/users/${id}/credits`, { credits: -2_000 })).toMatchObject({ status: 200, body: { balance: 0 } });
  });
});

describe('a rental', () => {
  it('is foretold, warned when it is idle, explained, and charged as its statement says', async () => {
    const { as } = await newcomer();
    expect((await as.post('/v1/gpus', { image: 'debian:12-slim', dry_run: true })).body).toMatchObject({ would_rent: true, balance: 2_000, hours_balance_lasts: 4 });
    const { gpu_id, ready_at } = await rent(as);
    // Twice as much is burnt with another one.
    const { balance, hours_balance_lasts } = (await as.post('/v1/gpus', { image: 'debian:12-slim', dry_run: true })).body;
    expect(hours_balance_lasts).toBe(Math.floor((balance / 1_000) * 100) / 100);
    const ready = Date.parse(ready_at);
    const { body: deadlines } = await as.get(`/v1/gpus/${gpu_id}/deadlines`);
    expect(deadlines).toMatchObject({ idle_warning_at: new Date(ready + 3_600_000).toISOString(), out_of_credits_at: new Date(ready + 4 * 3_600_000).toISOString() });
    expect(deadlines['evidence'].find(({ deadline }: { deadline: string }) => deadline === 'idle_return').why).toMatch(/^idle since .*, when it became ready; would be returned at /);
    await until(async () => (await as.get(`/v1/gpus/${gpu_id}`)).body['idle_warning']);
    expect((await as.get('/v1/gpus')).body['my_gpus'][0]).toMatchObject({ gpu_id, idle_warning: true });
    const returned = await as.delete(`/v1/gpus/${gpu_id}`);
    const minutes = Math.ceil((Date.parse(returned.body['ended_at']) - ready) / 60_000);
    expect(returned.body).toMatchObject({ credits_charged: Math.ceil((minutes * 500) / 60), idle_warning: false });
    const charge = await until(async () => (await as.get('/v1/balance/entries')).body['entries'].find(({ kind }: { kind: string }) => kind === 'charge'));
    expect(charge).toMatchObject({ gpu_id, minutes, units: -minutes * 500, caused_by: [expect.any(String), expect.any(String)] });
    expect((await as.get(`/v1/gpus/${gpu_id}`)).body['credits_charged']).toBe(returned.body['credits_charged']);
    expect((await as.get('/v1/balance')).body['balance']).toBe(Math.floor((2_000 * 60 - minutes * 500) / 60));
    const csv = (await as.get<string>('/v1/balance/entries', { accept: 'text/csv' })).body;
    expect(csv.split('\r\n')[1]).toContain(`charge,${charge.credits},${charge.units},${charge.balance_after},${gpu_id},${minutes},500`);
  });

  it('tells its deadlines to nobody else', async () => {
    const { as } = await newcomer();
    const { gpu_id } = await rent();
    expect(await as.get(`/v1/gpus/${gpu_id}/deadlines`)).toMatchObject({ status: 404, body: { code: 'gpu_not_found' } });
    await admin.delete(`/v1/gpus/${gpu_id}`);
  });
});

describe('history', () => {
  it('is told for any instant, by business time and by what was known', async () => {
    const { id, as } = await newcomer();
    const before = (await lastFact()).position;
    await admin.post(`/v1/admin/users/${id}/credits`, { credits: 100 });
    const fact = await lastFact(id);
    const account = async (query: string) => (await admin.get(`/v1/admin/ledger/accounts/${id}?${query}`)).body['balance'];
    const justBefore = new Date(Date.parse(fact['data'].at) - 1).toISOString();
    expect([await account(`at=${fact['data'].at}`), await account(`at=${justBefore}`)]).toEqual([2_100, 2_000]);
    expect([await account(`as_of_position=${fact['position']}`), await account(`as_of_position=${before}`), await account(`at=${fact['data'].at}&as_of_position=${before}`)]).toEqual([2_100, 2_000, 2_000]);
    expect((await as.get(`/v1/balance?at=${justBefore}`)).body['balance']).toBe(2_000);
    const { points } = (await as.get(`/v1/balance/series?from=${justBefore}&step=1m`)).body;
    expect([points[0].balance, points[1]?.balance ?? 2_100]).toEqual([2_000, 2_100]);
    for (const at of ['2000-01-01T00:00:00Z', '2999-01-01T00:00:00Z', 'noon']) expect((await as.get(`/v1/balance?at=${at}`)).status).toBe(422);
  });

  it('is replayed as it was without a difference, and otherwise for another price', async () => {
    const { id, as } = await newcomer();
    const { gpu_id } = await rent(as);
    await as.delete(`/v1/gpus/${gpu_id}`);
    expect((await replay({})).at(-1)).toMatchObject({ line: 'report', mode: 'as_it_was', accounts_that_differ: 0, not_modelled: [] });
    const half = await replay({ user_id: id, price_per_hour_credits: 250 });
    const { units } = (await admin.get('/v1/admin/usage?group_by=user')).body['usage'].find(({ group }: { group: string }) => group === String(id));
    const csv = await admin.get<string>('/v1/admin/usage?group_by=user', { accept: 'text/csv' });
    expect(csv.headers.get('content-type')).toContain('text/csv');
    expect(csv.body.split('\r\n')).toContainEqual(expect.stringMatching(new RegExp(`^${id},1,\\d+,.*,${units}$`)));
    expect(half.at(-2)).toMatchObject({ line: 'account', user_id: id, difference_units: units / 2 });
    expect(half.at(-1)).toMatchObject({ mode: 'same_ends', not_modelled: expect.arrayContaining([expect.stringContaining('people')]) });
    expect((await replay({ user_id: id, idle_return_minutes: 5 })).at(-1)).toMatchObject({ mode: 'ends_recomputed' });
    for (const body of [{ until: '2000-01-01T00:00:00Z' }, { until: '2999-01-01T00:00:00Z' }]) expect((await admin.post('/v1/admin/ledger/replay', body)).status).toBe(422);
    expect(await admin.post('/v1/admin/ledger/replay', { user_id: 999 })).toMatchObject({ status: 404, body: { code: 'account_not_found' } });
  });

  it('stops replaying for a client that has gone', async () => {
    for (let times = 0; times < 12; times++) {
      const gone = new AbortController();
      const response = await fetch(`${system.url}/v1/admin/ledger/replay`, { method: 'POST', headers: { authorization: `Bearer ${system.adminToken}` }, signal: gone.signal });
      expect(response.status).toBe(200);
      gone.abort();
    }
    await until(async () => (await replay({})).at(-1)?.['line'] === 'report');
  });

  it('is listed as facts without secrets', async () => {
    const { body } = await admin.get<string>('/v1/admin/ledger/events');
    const facts = lines(body);
    expect(facts.map(({ position }) => position)).toEqual(facts.map(({ position }) => position).sort((a, b) => a - b));
    expect(facts.find(({ type }) => type === 'TokenIssued')!['data'].token_hash).toBe('…');
    const after = facts.at(-3)!['position'];
    expect(lines((await admin.get(`/v1/admin/ledger/events?after=${after}`)).body)[0]).toEqual(facts.at(-2));
  });
});

async function lastFact(userId?: number): Promise<Record<string, any>> {
  return lines((await admin.get(`/v1/admin/ledger/events${userId === undefined ? '' : `?user_id=${userId}`}`)).body).at(-1)!;
}
