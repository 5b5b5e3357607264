import { afterEach, describe, expect, it } from '@jest/globals';
import { until } from '@kgpu/runtime/testing';
import { startOn, startSystem, type System } from './system.ts';

let system: System | undefined;
afterEach(async () => {
  await system?.remove();
  system = undefined;
});

const rented = async ({ admin }: System, more: object = {}) => (await admin.post('/v1/gpus', { image: 'debian:12-slim', wait_seconds: 30, ...more })).body;
const ended = ({ admin }: System, gpuId: string) =>
  until(async () => {
    const { body } = await admin.get(`/v1/gpus/${gpuId}?wait_seconds=5`);
    return body['phase'] === 'Ended' && body;
  }, 30_000);

describe('a rental that nobody returns', () => {
  it('ends when its duration is over, stamped at that instant', async () => {
    system = await startSystem({ KGPU_CLOCK_SPEED: '60' });
    const { gpu_id, expires_at } = await rented(system, { duration_hours: 0.02 });
    expect(await ended(system, gpu_id)).toMatchObject({ end_reason: 'duration_expired', ended_at: expires_at, credits_charged: 17 });
  });

  it('ends after it has been idle for too long, counted from the end of its last run', async () => {
    system = await startSystem({ KGPU_CLOCK_SPEED: '60', KGPU_IDLE_WARNING: '1m', KGPU_IDLE_RETURN: '3m' });
    const { admin } = system;
    const { gpu_id } = await rented(system);
    const { run_id, completed_at } = (await admin.post('/v1/runs', { gpu_id, command: ['sleep', '4'] })).body;
    const returnAt = new Date(Date.parse(completed_at) + 3 * 60_000).toISOString();
    const { body } = await admin.get(`/v1/gpus/${gpu_id}/deadlines`);
    expect(body['idle_return_at']).toBe(returnAt);
    expect(body['evidence'][2]).toMatchObject({ deadline: 'idle_return', why: expect.stringContaining(`end of ${run_id}; would be returned at`) });
    expect(await ended(system, gpu_id)).toMatchObject({ end_reason: 'auto_idle', ended_at: returnAt, message: expect.stringContaining(`end of ${run_id}`) });
  });

  it('ends at the first minute that its renter cannot pay, and not one credit below zero', async () => {
    system = await startSystem({ KGPU_CLOCK_SPEED: '1000', KGPU_STARTING_CREDITS: '510' });
    const { gpu_id, ready_at } = await rented(system);
    const rental = await ended(system, gpu_id);
    // 510 credits pay for 61 minutes at 500 an hour; a third of a credit and more stays over.
    expect(rental).toMatchObject({ end_reason: 'out_of_credits', ended_at: new Date(Date.parse(ready_at) + 61 * 60_000).toISOString() });
    await until(async () => (await system!.admin.get('/v1/balance')).body['balance'] === 1);
    expect(await system.admin.post('/v1/gpus', { image: 'debian:12-slim' })).toMatchObject({ status: 402, body: { code: 'insufficient_credits', balance: 1, required: 500 } });
  });

  it('ends at its deadline though everything was down then, and the time after it costs nothing', async () => {
    system = await startSystem({ KGPU_CLOCK_SPEED: '60' });
    const { gpu_id, expires_at } = await rented(system, { duration_hours: 0.02 });
    await system.stop('SIGKILL');
    await until(() => Date.now() - system!.startedAt > 2_500);
    system = await startOn(system.folder, { KGPU_CLOCK_SPEED: '60' });
    expect(await ended(system, gpu_id)).toMatchObject({ end_reason: 'duration_expired', ended_at: expires_at, credits_charged: 17 });
  });
});

describe('a restart of the services', () => {
  it('leaves a rental and its run alone, and misses nothing of the output', async () => {
    system = await startSystem();
    const { gpu_id } = await rented(system);
    const script = 'i=0; while [ $i -lt 40 ]; do i=$((i+1)); echo line $i; sleep 0.05; done; exit 4';
    const { run_id } = (await system.admin.post('/v1/runs', { gpu_id, command: ['sh', '-c', script], wait_seconds: 0 })).body;
    await until(async () => (await system!.admin.get(`/v1/runs/${run_id}`)).body['stdout_bytes'] > 0);
    expect(await system.stop()).toBe(0);
    system = await startOn(system.folder);
    const { body } = await system.admin.get(`/v1/runs/${run_id}?wait_seconds=20`);
    expect(body).toMatchObject({ phase: 'Failed', exit_code: 4, reason: null });
    expect(body['stdout']).toBe(Array.from({ length: 40 }, (_, n) => `line ${n + 1}\n`).join(''));
  });
});

describe('lists', () => {
  it('come in pages, newest first, without a gap or a repeat', async () => {
    system = await startSystem();
    const { admin } = system;
    const { gpu_id } = await rented(system);
    const ids: string[] = [];
    for (let n = 0; n < 5; n++) ids.unshift((await admin.post('/v1/runs', { gpu_id, command: ['true'] })).body['run_id']);
    const seen: string[] = [];
    for (let cursor = ''; ;) {
      const { body } = await admin.get(`/v1/runs?limit=2${cursor}`);
      seen.push(...body['runs'].map((run: { run_id: string }) => run.run_id));
      if (body['next_cursor'] === null) break;
      cursor = `&cursor=${body['next_cursor']}`;
    }
    expect(seen).toEqual(ids);
  });
});
