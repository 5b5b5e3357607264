import { execFile } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { importTestImage, killContainer, startDockerEngine } from '@kgpu/compute/testing';
import { until } from '@kgpu/runtime/testing';
import { startOn, startSystem, type System } from './system.ts';

const run = promisify(execFile);
const IMAGE = 'nvcr.io/nvidia/cuda:13.0.0-base-ubuntu24.04';

const engine = await startDockerEngine();
const onDocker = engine.dockerHost === null ? describe.skip : describe;

onDocker(`the main job, on the docker driver${engine.dockerHost === null ? ` (${engine.reason})` : ''}`, () => {
  let system: System;
  beforeAll(async () => {
    if (engine.dockerHost === null) return;
    await importTestImage(engine.dockerHost, [IMAGE]);
    system = await startSystem({ KGPU_COMPUTE: 'docker', DOCKER_HOST: engine.dockerHost });
  }, 60_000);
  afterAll(async () => {
    await system?.remove();
    if (engine.dockerHost !== null) await engine.stop();
  }, 60_000);

  it('goes as the guide says, typed with curl and jq', async () => {
    const script = `
      GPU=$(curl -sS -X POST -H "Authorization: Bearer $T" -H "Content-Type: application/json" $BASE/v1/gpus -d '{ "name": "check", "image": "${IMAGE}" }' | jq -r .gpu_id)
      for i in $(seq 300); do [ "$(curl -sS -H "Authorization: Bearer $T" $BASE/v1/gpus/$GPU | jq -r .phase)" = Ready ] && break; sleep 0.1; done
      curl -sS -X POST -H "Authorization: Bearer $T" -H "Content-Type: application/json" $BASE/v1/runs -d "{ \\"gpu_id\\": \\"$GPU\\", \\"name\\": \\"nvidia-smi\\", \\"command\\": [\\"nvidia-smi\\", \\"-L\\"] }" | jq -r '.phase, .stdout'
      curl -sS -X DELETE -H "Authorization: Bearer $T" $BASE/v1/gpus/$GPU | jq -r .end_reason`;
    const { stdout } = await run('bash', ['-euc', script], { env: { ...process.env, T: system.adminToken, BASE: system.url } });
    expect(stdout).toMatch(/^Succeeded\nGPU 0: .+\n\nreturned\n$/);
  }, 60_000);

  it('lets a rental reach the API as the variables in it say, and that alone, though it listens on loopback only', async () => {
    const { admin } = system;
    const { gpu_id } = (await admin.post('/v1/gpus', { image: IMAGE, wait_seconds: 30 })).body;
    const inside = async (script: string) => (await admin.post('/v1/runs', { gpu_id, command: ['sh', '-c', script] })).body;
    const own = await inside('wget -qO- --header "Authorization: Bearer $KGPU_API_TOKEN" "$KGPU_API_BASE/v1/gpus/$KGPU_GPU_ID"');
    expect(JSON.parse(own['stdout'])).toMatchObject({ gpu_id, phase: 'Ready' });
    expect(await inside('wget -qO- "$KGPU_API_BASE/metrics"')).toMatchObject({ phase: 'Failed', stderr: expect.stringContaining('404') });
    await admin.delete(`/v1/gpus/${gpu_id}`);
  }, 60_000);

  it('ends a rental whose container died when it died, though kgpu was down then', async () => {
    const { admin, folder } = system;
    const { gpu_id } = (await admin.post('/v1/gpus', { image: IMAGE, wait_seconds: 30 })).body;
    await system.stop('SIGKILL');
    const died = Date.now();
    await killContainer(engine.dockerHost!, gpu_id);
    const killed = Date.now();
    await sleep(1_500); // the downtime that nobody pays for
    system = await startOn(folder, { KGPU_COMPUTE: 'docker', DOCKER_HOST: engine.dockerHost! });
    const rental = await until(async () => {
      const { body } = await system.admin.get(`/v1/gpus/${gpu_id}?wait_seconds=10`);
      return body['end_reason'] === null ? null : body;
    }, 60_000);
    expect(rental).toMatchObject({ end_reason: 'lost', message: expect.stringContaining('ended by itself') });
    const endedAt = Date.parse(rental['ended_at']);
    expect(endedAt).toBeGreaterThanOrEqual(died - 100);
    expect(endedAt).toBeLessThanOrEqual(killed + 100);
  }, 90_000);

  it('says why an image cannot be had, and charges nothing for it', async () => {
    const { admin } = system;
    const before = (await admin.get('/v1/balance')).body['balance'];
    const { gpu_id } = (await admin.post('/v1/gpus', { image: 'kgpu.invalid/nothing:1' })).body;
    const rental = await until(async () => {
      const { body } = await admin.get(`/v1/gpus/${gpu_id}?wait_seconds=10`);
      return body['phase'] === 'Failed' && body;
    }, 60_000);
    expect(rental).toMatchObject({ end_reason: 'start_failed', credits_charged: 0, ready_at: null, message: expect.stringMatching(/./) });
    expect((await admin.get('/v1/balance')).body['balance']).toBe(before);
  }, 90_000);
});
