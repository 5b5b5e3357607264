/** A run through the whole system against what it costs at the least: `docker exec` of the same command in the same container. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { importTestImage, startDockerEngine } from '@kgpu/compute/testing';
import { spawnStandalone } from '@kgpu/standalone/testing';
import { once } from './once.ts';
import type { Row } from './row.ts';

const RUNS = 21;
const IMAGE = 'kgpu-bench:1';

export async function run(): Promise<Row[]> {
  const rows = [await runs('process', {})];
  const engine = await startDockerEngine();
  if (engine.dockerHost === null) {
    console.log(`  (docker left out: ${engine.reason})`);
    return rows;
  }
  try {
    await importTestImage(engine.dockerHost, [IMAGE]);
    rows.push(await runs('docker', { DOCKER_HOST: engine.dockerHost }, (gpuId) => dockerExec(engine.dockerHost, gpuId)));
    return rows;
  } finally {
    await engine.stop();
  }
}

/** Median of `POST /v1/runs ["true"]` until its reply; the yardstick runs in turns with it, since machines are noisy. */
async function runs(driver: string, settings: Record<string, string>, yardstick?: (gpuId: string) => number): Promise<Row> {
  const folder = mkdtempSync(join(tmpdir(), 'kgpu-bench-'));
  const system = await spawnStandalone({ KGPU_DATA_DIR: folder, KGPU_PORT: '0', KGPU_COMPUTE: driver, KGPU_LOG_LEVEL: 'warn', ...settings });
  const headers = { authorization: `Bearer ${system.adminToken}`, 'content-type': 'application/json' };
  try {
    const { gpu_id } = JSON.parse(await once(`${system.url}/v1/gpus`, headers, 'POST', JSON.stringify({ image: IMAGE, wait_seconds: 30 }))) as { gpu_id: string };
    const ours: number[] = [];
    const theirs: number[] = [];
    for (let n = 0; n < RUNS; n++) {
      const sent = performance.now();
      await once(`${system.url}/v1/runs`, headers, 'POST', JSON.stringify({ gpu_id, command: ['true'] }));
      ours.push(performance.now() - sent);
      if (yardstick !== undefined) theirs.push(yardstick(gpu_id));
    }
    await once(`${system.url}/v1/gpus/${gpu_id}`, headers, 'DELETE');
    const value = median(ours);
    const row = { what: `POST /v1/runs ["true"] until its reply, ${driver}`, value, unit: 'ms' };
    return yardstick === undefined ? row : { ...row, ratio: median(theirs) / value, to: '`docker exec c true`' };
  } finally {
    await system.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

function dockerExec(host: string, gpuId: string): number {
  const container = spawnSync('docker', ['-H', host, 'ps', '-q', '--filter', `name=${gpuId}`], { encoding: 'utf8' }).stdout.trim();
  const begun = performance.now();
  const { status } = spawnSync('docker', ['-H', host, 'exec', container, 'true'], { stdio: 'ignore' });
  if (status !== 0) throw new Error(`docker exec failed in ${container}`);
  return performance.now() - begun;
}

function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
}
