import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eventCodec, type RunEvent } from '@kgpu/contracts';
import { SqliteEventStore } from '@kgpu/event-store';
import { until } from '@kgpu/runtime/testing';
import type { FrontDoor } from './front-door.ts';
import type { Parts } from '@kgpu/standalone/testing';
import { startParts } from './parts.ts';

describe('while the runner is down', () => {
  let parts: Parts;
  let admin: FrontDoor;
  let remove: () => Promise<void>;
  beforeAll(async () => {
    ({ parts, admin, remove } = await startParts());
  }, 60_000);
  afterAll(() => remove(), 60_000);

  const rent = async () => (await admin.post('/v1/gpus', { image: 'any', wait_seconds: 30 })).body['gpu_id'] as string;
  const start = async (gpuId: string, script: string, more: object = {}) => {
    const { run_id } = (await admin.post('/v1/runs', { gpu_id: gpuId, command: ['sh', '-c', script], wait_seconds: 0, ...more })).body;
    await until(async () => (await admin.get(`/v1/runs/${run_id}`)).body['pid'] !== null);
    return run_id as string;
  };
  const ended = async (runId: string) => (await admin.get(`/v1/runs/${runId}?wait_seconds=20`)).body;
  const endReason = async (gpuId: string) => (await admin.get('/v1/gpus?state=all')).body['my_gpus'].find((gpu: { gpu_id: string }) => gpu.gpu_id === gpuId).end_reason;

  async function factsOf(runId: string): Promise<string[]> {
    const store = await SqliteEventStore.open(join(parts.folder, 'data', 'events.db'));
    const types = (await store.read(`run-${runId}`)).map((event) => eventCodec.decode<RunEvent>(event).type);
    await store.close();
    return types;
  }

  it('commands go on: their output, exit code and times are right when it is back', async () => {
    const gpuId = await rent();
    const script = 'read a _ </proc/uptime; sleep 1; read b _ </proc/uptime; echo $a $b; exit 3';
    const own = await start(gpuId, script);
    const intime = await start(gpuId, 'sleep 1; exit 0', { timeout_seconds: 2 });
    const late = await start(gpuId, 'sleep 4; exit 0', { timeout_seconds: 2 });
    const downSince = performance.now();
    await parts.kill('runner');
    expect((await admin.get(`/v1/runs/${own}`)).status).toBe(503);
    await until(() => performance.now() - downSince > 5_000); // the outage is the test
    await parts.start('runner');
    const run = await ended(own);
    expect(run).toMatchObject({ phase: 'Failed', exit_code: 3, reason: null });
    const [a, b] = String(run['stdout']).trim().split(' ').map(Number);
    expect(Math.abs(run['elapsed_seconds'] - (b! - a!))).toBeLessThan(0.1);
    expect(Math.abs(Date.parse(run['completed_at']) - Date.parse(run['started_at']) - run['elapsed_seconds'] * 1_000)).toBeLessThan(100);
    expect(await ended(intime)).toMatchObject({ phase: 'Succeeded', exit_code: 0, reason: null });
    expect(await ended(late)).toMatchObject({ phase: 'Failed', reason: 'timeout' });
    for (const runId of [own, intime]) expect((await factsOf(runId)).filter((type) => type === 'RunEnded')).toHaveLength(1);
  }, 60_000);

  it('a container that goes takes its runs along: they are lost, once', async () => {
    const gpuId = await rent();
    const runId = await start(gpuId, 'echo begun; sleep 1; kill -TERM 1; sleep 600');
    await until(async () => (await admin.get(`/v1/runs/${runId}`)).body['stdout'] === 'begun\n');
    await parts.kill('runner');
    await until(async () => (await endReason(gpuId)) === 'lost', 30_000);
    await parts.start('runner');
    expect(await ended(runId)).toMatchObject({ phase: 'Failed', exit_code: null, reason: 'lost', stdout: 'begun\n' });
    expect((await factsOf(runId)).filter((type) => type === 'RunEnded')).toHaveLength(1);
  }, 60_000);
});
