import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { until } from '@kgpu/runtime/testing';
import { spawnStandalone } from '@kgpu/standalone/testing';
import type { FrontDoor } from './front-door.ts';
import { startSystem, type System } from './system.ts';

const run = promisify(execFile);

describe('the main job, on the process driver', () => {
  let system: System;
  let admin: FrontDoor;
  beforeAll(async () => {
    system = await startSystem();
    admin = system.admin;
  });
  afterAll(() => system.remove());

  const rent = async (more: object = {}, headers: Record<string, string> = {}, who = admin) =>
    who.post('/v1/gpus', { image: 'debian:12-slim', name: 'check', wait_seconds: 30, ...more }, headers);

  it('rents, runs, returns and pays for one started minute', async () => {
    const before = (await admin.get('/v1/balance')).body['balance'];
    const rented = await rent();
    expect(rented).toMatchObject({ status: 201, body: { phase: 'Ready', name: 'check', price_per_hour_credits: 500, end_reason: null } });
    const { gpu_id } = rented.body;
    expect(rented.headers.get('location')).toBe(`/v1/gpus/${gpu_id}`);
    const ran = await admin.post('/v1/runs', { gpu_id, command: ['sh', '-c', 'echo out; echo err >&2; exit 3'] });
    expect(ran).toMatchObject({ status: 201, body: { phase: 'Failed', exit_code: 3, stdout: 'out\n', stderr: 'err\n', signal: null } });
    const returned = await admin.delete(`/v1/gpus/${gpu_id}`);
    expect(returned).toMatchObject({ status: 200, body: { end_reason: 'returned', credits_charged: 9 } });
    const again = await admin.delete(`/v1/gpus/${gpu_id}`);
    expect(again).toMatchObject({ status: 200, body: { end_reason: 'returned', ended_at: returned.body['ended_at'] } });
    await until(async () => (await admin.get(`/v1/gpus/${gpu_id}?wait_seconds=5`)).body['phase'] === 'Ended');
    await until(async () => (await admin.get('/v1/balance')).body['balance'] === before - 9);
  });

  it('goes as the guide says, typed with curl and jq', async () => {
    const script = `
      GPU=$(curl -sS -X POST -H "Authorization: Bearer $T" -H "Content-Type: application/json" $BASE/v1/gpus -d '{ "name": "check", "image": "nvcr.io/nvidia/cuda:13.0.0-base-ubuntu24.04" }' | jq -r .gpu_id)
      for i in $(seq 100); do [ "$(curl -sS -H "Authorization: Bearer $T" $BASE/v1/gpus/$GPU | jq -r .phase)" = Ready ] && break; sleep 0.1; done
      curl -sS -X POST -H "Authorization: Bearer $T" -H "Content-Type: application/json" $BASE/v1/runs -d "{ \\"gpu_id\\": \\"$GPU\\", \\"name\\": \\"nvidia-smi\\", \\"command\\": [\\"echo\\", \\"GPU 0\\"] }" | jq -r .stdout
      curl -sS -X DELETE -H "Authorization: Bearer $T" $BASE/v1/gpus/$GPU | jq -r .end_reason`;
    const { stdout } = await run('bash', ['-euc', script], { env: { ...process.env, T: system.adminToken, BASE: system.url } });
    expect(stdout).toBe('GPU 0\n\nreturned\n');
  });

  it('does the same once for the same Idempotency-Key, and refuses the key for something else', async () => {
    const headers = { 'idempotency-key': 'once' };
    const [first, second] = await Promise.all([rent({}, headers), rent({}, headers)]);
    expect([first.status, second.status]).toEqual([201, 201]);
    expect(second.body['gpu_id']).toBe(first.body['gpu_id']);
    expect(await rent({ name: 'other' }, headers)).toMatchObject({ status: 409, body: { code: 'idempotency_key_reused' } });
    await admin.delete(`/v1/gpus/${first.body['gpu_id']}`);
  });

  it('shows nobody what belongs to somebody else', async () => {
    const { gpu_id } = (await rent()).body;
    const { run_id } = (await admin.post('/v1/runs', { gpu_id, command: ['true'] })).body;
    const { user_id } = (await admin.post('/v1/admin/users', { email: 'ann@example.org' })).body;
    const ann = admin.as((await admin.post(`/v1/admin/users/${user_id}/tokens`)).body['token']);
    expect(await ann.get('/v1/me')).toMatchObject({ status: 200, body: { user_id, role: 'user', status: 'active' } });
    for (const reply of [await ann.get(`/v1/gpus/${gpu_id}`), await ann.delete(`/v1/gpus/${gpu_id}`), await ann.post('/v1/runs', { gpu_id, command: ['true'] })]) {
      expect(reply).toMatchObject({ status: 404, body: { code: 'gpu_not_found' } });
    }
    for (const reply of [await ann.get(`/v1/runs/${run_id}`), await ann.delete(`/v1/runs/${run_id}`)]) {
      expect(reply).toMatchObject({ status: 404, body: { code: 'run_not_found' } });
    }
    expect(await ann.get('/v1/admin/users')).toMatchObject({ status: 403, body: { code: 'admin_required' } });
    expect(await rent({}, {}, ann)).toMatchObject({ status: 403, body: { code: 'process_driver_single_user' } });
    await admin.delete(`/v1/gpus/${gpu_id}`);
  });

  it('gives the token of a rental its own rental and nothing else', async () => {
    const { gpu_id } = (await rent()).body;
    const { stdout } = (await admin.post('/v1/runs', { gpu_id, command: ['sh', '-c', 'echo $KGPU_API_TOKEN $KGPU_GPU_ID $KGPU_API_BASE'] })).body;
    const [token, id, base] = String(stdout).trim().split(' ');
    expect({ id, base }).toEqual({ id: gpu_id, base: system.url });
    const inside = admin.as(token!);
    expect(await inside.get(`/v1/gpus/${gpu_id}`)).toMatchObject({ status: 200 });
    expect(await inside.post('/v1/runs', { gpu_id, command: ['true'] })).toMatchObject({ status: 201, body: { phase: 'Succeeded' } });
    expect(await inside.get('/v1/balance')).toMatchObject({ status: 403 });
    expect(await inside.delete(`/v1/gpus/${gpu_id}`)).toMatchObject({ status: 403 });
    await admin.delete(`/v1/gpus/${gpu_id}`);
    await until(async () => (await inside.get(`/v1/gpus/${gpu_id}`)).status === 401);
  });

  it('ends the runs of a GPU that is returned, and keeps their output', async () => {
    const { gpu_id } = (await rent()).body;
    const { run_id, phase } = (await admin.post('/v1/runs', { gpu_id, command: ['sh', '-c', 'echo begun; sleep 600'], wait_seconds: 0 })).body;
    expect(phase).toBe('Running');
    await until(async () => (await admin.get(`/v1/runs/${run_id}`)).body['stdout'] === 'begun\n');
    await admin.delete(`/v1/gpus/${gpu_id}`);
    await until(async () => (await admin.get(`/v1/gpus/${gpu_id}?wait_seconds=5`)).body['phase'] === 'Ended', 30_000);
    expect((await admin.get(`/v1/runs/${run_id}`)).body).toMatchObject({ phase: 'Failed', reason: 'gpu_returned', stdout: 'begun\n' });
  });

  it('says when no GPU is free, when credits are missing and what a rent would do', async () => {
    const rented = await Promise.all([1, 2, 3, 4, 5].map(() => rent({ wait_seconds: 0 })));
    expect(rented.filter(({ status }) => status === 201)).toHaveLength(4);
    expect(rented.find(({ status }) => status !== 201)).toMatchObject({ status: 503, body: { code: 'no_capacity' } });
    for (const { body } of rented) if (body['gpu_id'] !== undefined) await admin.delete(`/v1/gpus/${body['gpu_id']}`);
    await until(async () => (await admin.get('/v1/gpus')).body['cluster'][0].gpu_busy === 0, 30_000);
    expect(await rent({ dry_run: true })).toMatchObject({ status: 200, body: { would_rent: true, price_per_hour_credits: 500, free: 4 } });
    expect(await rent({ gpu_model: 'H100' })).toMatchObject({ status: 422, body: { code: 'invalid_request', errors: [{ pointer: '/body/gpu_model' }] } });
  });

  it('refuses a second start on the same data folder in one sentence', async () => {
    await expect(spawnStandalone({ KGPU_DATA_DIR: system.folder, KGPU_PORT: '0', KGPU_COMPUTE: 'process' })).rejects.toThrow(/is used by another kgpu/);
  });
});
