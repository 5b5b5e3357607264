/** Lines as people type them, in a real shell with real clients. */
import { execFile, spawnSync } from 'node:child_process';
import { promisify } from 'node:util';
import type { System } from './system.ts';

const run = promisify(execFile);

/** Runs the lines in a folder, with what a user exports; standard output. Rejects when a line fails. */
export async function shell(system: Pick<System, 'url' | 'adminToken'>, folder: string, lines: string, environment: Record<string, string> = {}): Promise<string> {
  const env = { ...process.env, KGPU_API_BASE: system.url, KGPU_API_TOKEN: system.adminToken, T: system.adminToken, ...environment };
  const { stdout } = await run('bash', ['-euo', 'pipefail', '-c', lines], { cwd: folder, env, timeout: 60_000, maxBuffer: 16 * 1024 * 1024 });
  return stdout;
}

/** A Python that has `requests`; null when there is none. */
export function pythonWithRequests(): string | null {
  return ['/usr/bin/python3', 'python3'].find((python) => spawnSync(python, ['-c', 'import requests'], { stdio: 'ignore' }).status === 0) ?? null;
}

export function has(program: string): boolean {
  return spawnSync('sh', ['-c', `command -v ${program}`], { stdio: 'ignore' }).status === 0;
}
