import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { importTestImage, startDockerEngine } from '@kgpu/compute/testing';
import { until } from '@kgpu/runtime/testing';
import { startSystem, type System } from './system.ts';

const run = promisify(execFile);
const IMAGE = 'kgpu-test-runs:1';
const WITHOUT_SHELL = 'kgpu-test-runs-shell-less:1';

const engine = await startDockerEngine();
const onDocker = engine.dockerHost === null ? describe.skip : describe;

onDocker(`runs, on the docker driver${engine.dockerHost === null ? ` (${engine.reason})` : ''}`, () => {
  let system: System;
  beforeAll(async () => {
    if (engine.dockerHost === null) return;
    await importTestImage(engine.dockerHost, [IMAGE]);
    await importTestImage(engine.dockerHost, [WITHOUT_SHELL], { withoutShell: true, changes: ['CMD ["/bin/busybox", "sleep", "100000"]'] });
    system = await startSystem({ KGPU_COMPUTE: 'docker', DOCKER_HOST: engine.dockerHost, KGPU_STOP_GRACE: '1s' });
  }, 60_000);
  afterAll(async () => {
    await system?.remove();
    if (engine.dockerHost !== null) await engine.stop();
  }, 60_000);

  const docker = async (...args: string[]) => (await run('docker', ['-H', engine.dockerHost!, ...args])).stdout.trim();
  const containerOf = (gpuId: string) => docker('ps', '-aq', '--filter', `label=kgpu.gpu=${gpuId}`);
  const rent = async (image = IMAGE) => (await system.admin.post('/v1/gpus', { image, wait_seconds: 60 })).body['gpu_id'] as string;
  const start = async (gpuId: string, command: string[], waitSeconds = 30) => (await system.admin.post('/v1/runs', { gpu_id: gpuId, command, wait_seconds: waitSeconds })).body;
  const get = async (runId: string) => (await system.admin.get(`/v1/runs/${runId}?wait_seconds=20`)).body;

  it('say that they ran out of memory', async () => {
    const gpuId = await rent();
    await docker('update', '--memory', '64m', '--memory-swap', '64m', await containerOf(gpuId));
    expect(await start(gpuId, ['dd', 'if=/dev/zero', 'of=/dev/null', 'bs=300M', 'count=1'])).toMatchObject({ phase: 'Failed', exit_code: 137, signal: 'SIGKILL', reason: 'out_of_memory' });
    expect(await start(gpuId, ['sh', '-c', 'kill -9 $$'])).toMatchObject({ exit_code: 137, reason: null });
    await system.admin.delete(`/v1/gpus/${gpuId}`);
  }, 60_000);

  it('say that their image has no shell', async () => {
    const gpuId = await rent(WITHOUT_SHELL);
    expect(await start(gpuId, ['/bin/busybox', 'true'])).toMatchObject({ phase: 'Failed', reason: 'image_without_shell', message: expect.stringMatching(/sh/) });
    await system.admin.delete(`/v1/gpus/${gpuId}`);
  }, 60_000);

  it('say that their container is gone, once, and are not started again', async () => {
    const gpuId = await rent();
    const { run_id } = await start(gpuId, ['sh', '-c', 'echo begun; sleep 600'], 0);
    await until(async () => (await system.admin.get(`/v1/runs/${run_id}`)).body['stdout'] === 'begun\n');
    await docker('kill', await containerOf(gpuId));
    const ended = await get(run_id);
    expect(ended).toMatchObject({ phase: 'Failed', exit_code: null, reason: 'lost', stdout: 'begun\n' });
    await until(async () => (await system.admin.get(`/v1/gpus/${gpuId}`)).body['phase'] === 'Ended', 30_000);
    expect((await system.admin.get(`/v1/gpus/${gpuId}`)).body).toMatchObject({ end_reason: 'lost' });
    expect(await get(run_id)).toEqual(ended);
  }, 90_000);

  it('end by SIGTERM when the GPU is returned, and what they say then is on record', async () => {
    const gpuId = await rent();
    const { run_id } = await start(gpuId, ['sh', '-c', 'trap "echo saved; exit 0" TERM; echo begun; while :; do sleep 0.1; done'], 0);
    await until(async () => (await system.admin.get(`/v1/runs/${run_id}`)).body['stdout'] === 'begun\n');
    await system.admin.delete(`/v1/gpus/${gpuId}`);
    expect(await get(run_id)).toMatchObject({ phase: 'Failed', exit_code: 0, reason: 'gpu_returned', stdout: 'begun\nsaved\n' });
    await until(async () => (await containerOf(gpuId)) === '', 30_000);
  }, 90_000);

  it('cannot hold up the return of a GPU whose container is frozen', async () => {
    const gpuId = await rent();
    const { run_id } = await start(gpuId, ['sh', '-c', 'echo begun; sleep 600'], 0);
    await until(async () => (await system.admin.get(`/v1/runs/${run_id}`)).body['stdout'] === 'begun\n');
    await docker('pause', await containerOf(gpuId));
    expect((await system.admin.delete(`/v1/gpus/${gpuId}`)).body).toMatchObject({ end_reason: 'returned' });
    await until(async () => (await system.admin.get(`/v1/gpus/${gpuId}?wait_seconds=10`)).body['phase'] === 'Ended', 60_000);
    expect(await containerOf(gpuId)).toBe('');
    expect(await get(run_id)).toMatchObject({ phase: 'Failed', reason: 'gpu_returned', stdout: 'begun\n' });
    const tries = system.printed().stderr.match(/could not be stopped/g) ?? [];
    expect(tries.length).toBeGreaterThan(0);
    expect(tries.length).toBeLessThan(8); // in nine seconds
  }, 120_000);
});
