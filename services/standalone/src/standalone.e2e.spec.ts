import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Rental, Run } from '@kgpu/contracts';
import { until } from '@kgpu/runtime/testing';
import { exportLines, firstCommands } from './banner.ts';
import { Client } from './demo/client.ts';
import { spawnStandalone, type SpawnedStandalone } from './testing.ts';

describe('npm start', () => {
  const folder = mkdtempSync(join(tmpdir(), 'kgpu-standalone-'));
  const settings = { KGPU_DATA_DIR: join(folder, 'data'), KGPU_PORT: '0', KGPU_COMPUTE: 'process', KGPU_LOG_LEVEL: 'warn' };
  let system: SpawnedStandalone;

  beforeAll(async () => {
    system = await spawnStandalone(settings);
  });
  afterAll(async () => {
    await system?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  it('prints lines that rent, run and return when they are copied into a shell', () => {
    const { stdout } = system.printed();
    const lines = [...exportLines(system), ...firstCommands];
    for (const line of lines) expect(stdout).toContain(`  ${line}\n`);
    const shell = spawnSync('bash', ['-euc', lines.join('\n')], { encoding: 'utf8', timeout: 60_000 });
    expect(shell).toMatchObject({ status: 0, stderr: '' });
    expect(shell.stdout).toContain('"phase":"Succeeded"');
    expect(shell.stdout).toContain('"stdout":"Linux ');
    expect(shell.stdout).toContain('"end_reason":"returned"');
  });

  it('says where the files lie', () => {
    expect(system.printed().stdout).toContain(`  files        a folder, ${join(settings.KGPU_DATA_DIR, 'objects')}\n`);
  });

  it('keeps the token of the admin in a file for its owner only', () => {
    expect(statSync(join(settings.KGPU_DATA_DIR, 'admin-token')).mode & 0o777).toBe(0o600);
  });

  it('refuses a second start on the same data folder, and says so in one line', async () => {
    await expect(spawnStandalone(settings)).rejects.toThrow(/ended with 2 .*\n.*data is used by another kgpu that is running\. Stop it, or set KGPU_DATA_DIR to another folder\.\n$/);
  });

  it('says which port is taken, and leaves nothing running', async () => {
    const { port } = new URL(system.url);
    const other = { ...settings, KGPU_DATA_DIR: join(folder, 'other'), KGPU_PORT: port };
    await expect(spawnStandalone(other)).rejects.toThrow(`can't listen on 127.0.0.1:${port}: another program listens there`);
  });

  it('names the rentals that stay when it is stopped, and takes them up again at the next start', async () => {
    const rental = await new Client(system.url, system.adminToken).post<Rental>('/v1/gpus', { image: 'any', name: 'stays', wait_seconds: 30 });
    expect(rental.phase).toBe('Ready');
    const waiting = new Client(system.url, system.adminToken).get<Rental>(`/v1/gpus/${rental.gpu_id}?wait_seconds=60`);
    const running = new Client(system.url, system.adminToken).post<Run>('/v1/runs', { gpu_id: rental.gpu_id, command: ['sleep', '600'], wait_seconds: 60 });
    await until(async () => (await new Client(system.url, system.adminToken).get<{ runs: Run[] }>('/v1/runs')).runs.some(({ gpu_id }) => gpu_id === rental.gpu_id));
    const began = performance.now();
    expect(await system.stop()).toBe(0);
    // who waits for news is told what is known, and not cut off
    expect(await waiting).toMatchObject({ gpu_id: rental.gpu_id, phase: 'Ready' });
    expect(await running).toMatchObject({ gpu_id: rental.gpu_id, phase: 'Running' });
    expect(performance.now() - began).toBeLessThan(5_000);
    expect(system.printed().stdout).toContain(`One rental goes on and will be charged; start again to return it:\n  ${rental.gpu_id}  stays\n`);

    const { adminToken } = system;
    system = await spawnStandalone(settings);
    expect(system.adminToken).toBe(adminToken);
    const client = new Client(system.url, adminToken);
    expect(await client.get<Rental>(`/v1/gpus/${rental.gpu_id}`)).toMatchObject({ phase: 'Ready', ready_at: rental.ready_at });
    await client.delete(`/v1/gpus/${rental.gpu_id}`);
    expect(await client.get<Rental>(`/v1/gpus/${rental.gpu_id}?wait_seconds=30`)).toMatchObject({ phase: 'Ended', end_reason: 'returned' });
  });

  it('stops in time also while a run that will not die holds a returned GPU, and says so', async () => {
    const client = new Client(system.url, system.adminToken);
    const { gpu_id } = await client.post<Rental>('/v1/gpus', { image: 'any', wait_seconds: 30 });
    await client.post('/v1/runs', { gpu_id, command: ['sh', '-c', "trap '' TERM; while :; do sleep 0.1; done"], wait_seconds: 0.5 });
    await client.delete(`/v1/gpus/${gpu_id}`);
    const began = performance.now();
    expect(await system.stop()).toBe(0);
    expect(performance.now() - began).toBeLessThan(5_000);
    expect(system.printed().stdout).toMatch(/Stopped\. No rental is left running\.\nOne returned rental is not cleared away yet/);

    system = await spawnStandalone({ ...settings, KGPU_STOP_GRACE: '0s' });
    expect(await new Client(system.url, system.adminToken).get<Rental>(`/v1/gpus/${gpu_id}?wait_seconds=30`)).toMatchObject({ phase: 'Ended' });
  });

  it('is what the demo does its main job on', () => {
    const env = { ...process.env, KGPU_API_BASE: system.url, KGPU_API_TOKEN: system.adminToken };
    const demo = spawnSync(process.execPath, [join(import.meta.dirname, 'demo/demo.js')], { encoding: 'utf8', env, timeout: 60_000 });
    expect(demo).toMatchObject({ status: 0, stderr: '' });
    expect(demo.stdout).toMatch(/is Ready on .*\n[\s\S]* {4}\| step 5 of 5 done\n[\s\S]*succeeded with exit code 0[\s\S]*The bill: /);
  });
});
