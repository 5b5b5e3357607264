/** A whole kgpu as a process of its own, on a data folder of its own. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { spawnStandalone, type SpawnedStandalone } from '@kgpu/standalone/testing';
import { FrontDoor } from './front-door.ts';

export interface System extends SpawnedStandalone {
  admin: FrontDoor;
  folder: string;
  /** Wall-clock milliseconds. */
  startedAt: number;
  /** Stops it and takes its rentals and its folder away. */
  remove(): Promise<void>;
}

export async function startSystem(settings: Record<string, string> = {}): Promise<System> {
  const folder = mkdtempSync(join(tmpdir(), 'kgpu-e2e-'));
  return startOn(folder, settings);
}

/** Starts one on a folder that another may have used. Rentals mount no drives unless a setting says so: mounts take longer than most tests. */
export async function startOn(folder: string, settings: Record<string, string> = {}): Promise<System> {
  const spawned = await spawnStandalone({ KGPU_DATA_DIR: folder, KGPU_PORT: '0', KGPU_COMPUTE: 'process', KGPU_MOUNT_DRIVES: '0', KGPU_LOG_LEVEL: 'warn', ...settings });
  const admin = new FrontDoor(spawned.url, spawned.adminToken);
  return {
    ...spawned, admin, folder, startedAt: Date.now(),
    async remove() {
      await returnAll(admin).catch(() => undefined);
      await spawned.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Returns every rental and waits until its container is gone: a test leaves no process behind. */
export async function returnAll(admin: FrontDoor): Promise<void> {
  const { body } = await admin.get('/v1/admin/gpus?state=all&limit=500');
  for (const { gpu_id } of body['gpus']) await admin.delete(`/v1/admin/gpus/${gpu_id}`);
  for (const { gpu_id } of body['gpus']) {
    for (let phase = 'Ending'; phase === 'Ending';) phase = (await admin.get(`/v1/gpus/${gpu_id}?wait_seconds=10`)).body['phase'] ?? 'gone';
  }
}
