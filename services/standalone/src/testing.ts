import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

export { Parts, type PartName, type PartsOptions } from './testing/parts.ts';

export interface SpawnedStandalone {
  url: string;
  adminToken: string;
  pid: number;
  /** What it has printed so far. */
  printed(): { stdout: string; stderr: string };
  /** Asks it to end, or ends it by `signal`; resolves with its exit code (null after a kill). A repeat waits for the same end. */
  stop(signal?: NodeJS.Signals): Promise<number | null>;
}

const START_DEADLINE_MS = 50_000;
const STOP_DEADLINE_MS = 15_000;
const main = join(import.meta.dirname, 'main.js');

/**
 * Runs what `npm start` runs, as a process of its own with these settings and none of the caller's. Resolves when it has
 * printed where it answers; rejects with what it said when it ends before that.
 */
export async function spawnStandalone(settings: Record<string, string>): Promise<SpawnedStandalone> {
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('KGPU_'));
  const child = spawn(process.execPath, [main], { env: { ...Object.fromEntries(inherited), ...settings }, stdio: ['ignore', 'pipe', 'pipe'] });
  const exited = once(child, 'exit') as Promise<[number | null]>;
  let [stdout, stderr] = ['', ''];
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));

  const stop = async (signal: NodeJS.Signals = 'SIGTERM') => {
    child.kill(signal);
    const force = setTimeout(() => child.kill('SIGKILL'), STOP_DEADLINE_MS);
    const [code] = await exited;
    clearTimeout(force);
    return code;
  };

  const started = new Promise<{ url: string; adminToken: string }>((resolve, reject) => {
    child.stdout.on('data', (chunk: Buffer) => {
      stdout += chunk.toString();
      const url = /^ *export KGPU_API_BASE=(\S+)$/m.exec(stdout)?.[1];
      const adminToken = /^ *export KGPU_API_TOKEN=(\S+)$/m.exec(stdout)?.[1];
      if (url !== undefined && adminToken !== undefined) resolve({ url, adminToken });
    });
    exited.then(([code]) => reject(new Error(`kgpu ended with ${code} before it answered\n${stdout}${stderr}`)), reject);
    setTimeout(() => reject(new Error(`kgpu did not start in time\n${stdout}${stderr}`)), START_DEADLINE_MS).unref();
  });
  try {
    return { ...(await started), pid: child.pid!, printed: () => ({ stdout, stderr }), stop };
  } catch (error) {
    await stop('SIGKILL');
    throw error;
  }
}
