import { DatabaseSync } from 'node:sqlite';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { until } from '@kgpu/runtime/testing';
import { startOn, startSystem, type System } from './system.ts';

let system: System;
let gpuId: string;

beforeAll(async () => {
  system = await startSystem();
  gpuId = (await system.admin.post('/v1/gpus', { image: 'debian:12-slim', wait_seconds: 30 })).body['gpu_id'];
}, 60_000);
afterAll(() => system.remove());

/** What a newer kgpu, which was tried and taken back, may leave in the log. */
function recordFromTheFuture(): void {
  const store = new DatabaseSync(join(system.folder, 'events.db'), { timeout: 10_000 });
  store.exec(`BEGIN IMMEDIATE; UPDATE log SET head = head + 1;
    INSERT INTO events SELECT (SELECT head FROM log), category, stream, revision + 1, 'CreditsGranted', 2, recorded_at, 'future', 'future', 1, NULL, NULL, '{"user_id":1,"coins":5}', NULL
      FROM events WHERE stream = 'account-1' ORDER BY revision DESC LIMIT 1; COMMIT`);
  store.close();
}

const readiness = async () => (await system.admin.get('/readyz')).body['parts']['ledger'];

describe('a ledger that meets an event of a newer kgpu', () => {
  it('stands still loudly and says which event it is', async () => {
    recordFromTheFuture();
    const ledger = await until(async () => ((await readiness()).ok ? null : readiness()));
    expect(ledger.message).toMatch(/^CreditsGranted version 2 at position \d+ is not known to this build$/);
    expect(system.printed().stderr).toContain('the ledger stands still');
    for (const path of ['/v1/balance', '/v1/balance/entries', '/v1/admin/ledger/accounts', '/v1/admin/usage', `/v1/gpus/${gpuId}/deadlines`]) {
      expect(await system.admin.get(path)).toMatchObject({ status: 503, body: { code: 'service_unavailable', detail: expect.stringContaining('CreditsGranted version 2') } });
    }
    expect(await system.admin.post('/v1/admin/users/1/credits', { credits: 5 })).toMatchObject({ status: 503 });
    expect(await system.admin.post('/v1/admin/ledger/replay', {})).toMatchObject({ status: 503 });
  });

  it('lets rentals and runs go on, and rents nothing that nobody would see run out', async () => {
    expect(await system.admin.get('/v1/gpus')).toMatchObject({ status: 200, body: { my_gpus: [{ gpu_id: gpuId, phase: 'Ready', credits_charged: null }] } });
    expect(await system.admin.post('/v1/runs', { gpu_id: gpuId, command: ['true'] })).toMatchObject({ status: 201, body: { phase: 'Succeeded' } });
    expect(await system.admin.post('/v1/gpus', { image: 'debian:12-slim' })).toMatchObject({ status: 503, body: { code: 'service_unavailable' } });
    expect(await system.admin.delete(`/v1/gpus/${gpuId}`)).toMatchObject({ status: 200, body: { end_reason: 'returned', credits_charged: null } });
  });

  it('audits and lists facts all the same, and stands still again after a restart', async () => {
    const { body } = await system.admin.get('/v1/admin/ledger/audit');
    expect(body['ok']).toBe(false);
    expect(body['differences'].map(({ kind }: { kind: string }) => kind)).toEqual(expect.arrayContaining(['ledger_halted', 'event_unreadable']));
    expect((await system.admin.get<string>('/v1/admin/ledger/events?type=CreditsGranted')).body).toMatchObject({ v: 2, data: { coins: 5 } });
    await system.stop();
    Object.assign(system, await startOn(system.folder));
    expect((await readiness()).message).toContain('CreditsGranted version 2');
  });
});
