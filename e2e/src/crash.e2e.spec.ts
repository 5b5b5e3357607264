import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { until } from '@kgpu/runtime/testing';
import type { FrontDoor } from './front-door.ts';
import { returnAll, startOn, startSystem, type System } from './system.ts';

const KILLS = Number(process.env['KGPU_KILLS'] ?? 8);
const LONGEST_LIFE_MS = 900;

/** What the server has acknowledged, and so must never forget. */
interface Acknowledged {
  rented: Set<string>;
  returned: Set<string>;
  ended: Map<string, number>;
}

/** Rents, runs and returns until the server is gone; what was begun by an earlier life is ended first. */
async function work(admin: FrontDoor, done: Acknowledged): Promise<void> {
  for (const gpuId of done.rented) if (!done.returned.has(gpuId)) await giveBack(admin, gpuId, done);
  for (;;) {
    const rented = await admin.post('/v1/gpus', { image: 'debian:12-slim', wait_seconds: 10 });
    if (rented.status !== 201) continue;
    const { gpu_id } = rented.body;
    done.rented.add(gpu_id);
    const ran = await admin.post('/v1/runs', { gpu_id, command: ['sh', '-c', 'exit 7'] });
    if (ran.status === 201 && ran.body['phase'] === 'Failed') done.ended.set(ran.body['run_id'], ran.body['exit_code']);
    await giveBack(admin, gpu_id, done);
  }
}

async function giveBack(admin: FrontDoor, gpuId: string, done: Acknowledged): Promise<void> {
  const returned = await admin.delete(`/v1/gpus/${gpuId}`);
  if (returned.status === 200) done.returned.add(gpuId);
}

describe('kill -9 of the whole system', () => {
  it(`at ${KILLS} random instants loses nothing that was acknowledged and leaves nothing behind`, async () => {
    const done: Acknowledged = { rented: new Set(), returned: new Set(), ended: new Map() };
    let system: System = await startSystem();
    const { folder } = system;
    for (let kill = 0; kill < KILLS; kill++) {
      const working = work(system.admin, done).catch(() => undefined);
      await sleep(Math.random() * LONGEST_LIFE_MS);
      await system.stop('SIGKILL');
      await working;
      system = await startOn(folder);
    }
    const { admin } = system;
    await returnAll(admin);
    for (const gpuId of done.rented) expect(await admin.get(`/v1/gpus/${gpuId}`)).toMatchObject({ status: 200, body: { phase: 'Ended' } });
    for (const gpuId of done.returned) expect((await admin.get(`/v1/gpus/${gpuId}`)).body['end_reason']).toBe('returned');
    for (const [runId, exitCode] of done.ended) expect((await admin.get(`/v1/runs/${runId}`)).body).toMatchObject({ phase: 'Failed', exit_code: exitCode });
    expect(done.rented.size).toBeGreaterThan(0);

    const { gpus } = (await admin.get('/v1/admin/gpus?state=all&limit=500')).body as { gpus: { ready_at: string | null; ended_at: string }[] };
    const minutes = gpus.reduce((sum, gpu) => sum + (gpu.ready_at === null ? 0 : Math.max(1, Math.ceil((Date.parse(gpu.ended_at) - Date.parse(gpu.ready_at)) / 60_000))), 0);
    await until(async () => (await admin.get('/v1/balance')).body['balance'] === Math.floor((1_000_000 * 60 - minutes * 500) / 60));
    await until(async () => (await admin.get('/v1/gpus')).body['cluster'][0].gpu_busy === 0, 60_000);
    expect(processesOf(folder)).toEqual([]);
    await system.remove();
  }, 300_000);
});

/** Processes whose environment names a rental of this folder: what would go on costing hardware. */
function processesOf(folder: string): string[] {
  return readdirSync('/proc').filter((pid) => /^\d+$/.test(pid) && commandOf(pid).includes(join(folder, 'rentals')));
}

function commandOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return '';
  }
}
