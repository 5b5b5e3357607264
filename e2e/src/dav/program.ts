/** Programs of others, run to their end. */
import { execFile, execFileSync } from 'node:child_process';
import { newerRclone } from '@kgpu/contracts/testing';

export interface Ran {
  code: number;
  stdout: string;
  stderr: string;
}

export interface RunOptions {
  cwd?: string;
  env?: Record<string, string>;
  input?: string;
  deadlineMs?: number;
}

/** Its exit code is told, not thrown. */
export function runProgram(program: string, args: readonly string[], { cwd, env = {}, input, deadlineMs = 60_000 }: RunOptions = {}): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const options = { ...(cwd !== undefined && { cwd }), env: { ...process.env, ...env }, timeout: deadlineMs, maxBuffer: 64 * 1024 * 1024 };
    const child = execFile(program, [...args], options, (error, stdout, stderr) => {
      if (error !== null && typeof error.code !== 'number') reject(new Error(`${program} ${args.join(' ').slice(0, 200)}: ${error.message}\n${stdout}${stderr}`));
      else resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
    });
    child.stdin?.end(input);
  });
}

export function isInstalled(program: string): boolean {
  try {
    execFileSync('sh', ['-c', `command -v ${program}`], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

export interface Rclone {
  program: string;
  version: string;
}

/** Every rclone that there is here: what Debian has, and what its makers ship today. */
export async function rclones(): Promise<Rclone[]> {
  const programs = [isInstalled('rclone') ? 'rclone' : null, await newerRclone()].filter((program) => program !== null);
  return Promise.all(programs.map(async (program) => ({ program, version: /v(\d+\.\d+\.\d+)/.exec((await runProgram(program, ['version'])).stdout)![1]! })));
}
