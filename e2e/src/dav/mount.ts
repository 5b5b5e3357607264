/** `rclone mount` as the guide types it, on folders of a test instead of /files and /shared. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { until } from '@kgpu/runtime/testing';
import { runProgram, type Rclone } from './program.ts';

export interface Mounting {
  base: string;
  token: string;
  rclone: Rclone;
}

export interface Mount {
  path: string;
  /** Writes what is still on its way, and unmounts. A repeat does nothing. */
  unmount(): Promise<void>;
}

export const canMount = existsSync('/dev/fuse') && process.getuid?.() === 0;

export function mountFiles(mounting: Mounting): Promise<Mount> {
  return mount(mounting, (path) => `rclone mount :webdav: ${path} \\
    --webdav-url "$KGPU_API_BASE/v1/files/" \\
    --webdav-vendor other \\
    --webdav-headers "Authorization,Bearer $KGPU_API_TOKEN" \\
    --vfs-cache-mode writes --daemon`);
}

/** Rclone knows how to read a file in several streams since 1.69. */
export function mountShared(mounting: Mounting): Promise<Mount> {
  const streams = Number(mounting.rclone.version.split('.')[1]) >= 69 ? '--vfs-read-chunk-streams 4' : '';
  return mount(mounting, (path) => `rclone mount :http: ${path} \\
    --http-url "$KGPU_API_BASE/v1/shared/" \\
    --http-headers "Authorization,Bearer $KGPU_API_TOKEN" \\
    --read-only --vfs-cache-mode full \\
    --vfs-read-chunk-size 16M ${streams} --daemon`);
}

async function mount({ base, token, rclone }: Mounting, command: (path: string) => string): Promise<Mount> {
  const folder = mkdtempSync(join(tmpdir(), 'kgpu-mount-'));
  const path = join(folder, 'mount');
  mkdirSync(path);
  const unmount = async (): Promise<void> => {
    if (isMounted(path)) await runProgram('fusermount3', ['-u', path]);
    if (isMounted(path)) execFileSync('umount', ['--lazy', path]);
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    const env = { KGPU_API_BASE: base, KGPU_API_TOKEN: token, RCLONE_CACHE_DIR: join(folder, 'cache'), RCLONE_CONFIG: join(folder, 'none.conf'), RCLONE_LOG_FILE: join(folder, 'log') };
    const script = `rclone() { ${rclone.program === 'rclone' ? 'command rclone' : rclone.program} "$@"; }\n${command(path)}`;
    // The daemon would hold a pipe open.
    const [code] = (await once(spawn('bash', ['-c', script], { env: { ...process.env, ...env }, stdio: 'ignore' }), 'exit')) as [number | null];
    if (code !== 0) throw new Error(`rclone mount ended with ${code}: ${readFileSync(join(folder, 'log'), 'utf8')}`);
    await until(() => isMounted(path));
    return { path, unmount };
  } catch (error) {
    await unmount();
    throw error;
  }
}

function isMounted(path: string): boolean {
  return readFileSync('/proc/self/mounts', 'utf8').includes(` ${path} `);
}
