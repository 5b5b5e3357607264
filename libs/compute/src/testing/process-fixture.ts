import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findByArguments, findByVariable } from '../process/kernel-process.ts';
import { openEnclosure } from '../process/open-enclosure.ts';
import type { ComputeFixture } from './compute-fixture.ts';

/** Null when bubblewrap works here, else why not. */
export async function bubblewrapMissing(): Promise<string | null> {
  return (await openEnclosure()).why;
}

export async function processFixture(sandbox: 'bubblewrap' | 'none', dataDir?: string): Promise<ComputeFixture> {
  const folder = dataDir ?? await mkdtemp(join(tmpdir(), 'kgpu-process-'));
  return {
    options: { driver: 'process', dataDir: folder, installId: 'test', slots: 4, sandbox },
    image: 'any:1',
    leftovers: async (gpuId) => {
      const own = join(folder, 'rentals', gpuId);
      const processes = [...findByArguments((argv) => argv.includes(gpuId)), ...findByVariable('KGPU_GPU_ID', gpuId)];
      return [...processes.map(({ pid }) => `process ${pid}`), ...(existsSync(own) ? [own] : [])];
    },
    dispose: () => rm(folder, { recursive: true, force: true }),
  };
}
