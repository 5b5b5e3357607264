import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/** What this machine's `nvidia-smi` calls its first GPU; null without one, or when it doesn't answer in 3 s. */
export async function localGpuModel(): Promise<string | null> {
  try {
    const { stdout } = await promisify(execFile)('nvidia-smi', ['--query-gpu=name', '--format=csv,noheader'], { timeout: 3_000, killSignal: 'SIGKILL' });
    return stdout.split('\n')[0]!.trim().slice(0, 100) || null;
  } catch {
    return null;
  }
}
