import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Bubblewrap } from './bubblewrap.ts';
import type { Enclosure, Invocation } from './enclosure.ts';
import { killAll } from './kernel-process.ts';
import { launch } from './launch.ts';
import { Plain } from './plain.ts';
import { RentalFolder } from './rental-folder.ts';

/**
 * A bubblewrap sandbox when one can be made and entered here (it is tried), else none. `wanted` forces one of them; throws
 * an Error when bubblewrap is wanted and doesn't work. With `mountDrives` the sandboxes mount drives.
 */
export async function openEnclosure(wanted?: Enclosure['name'], mountDrives = false): Promise<{ enclosure: Enclosure; why: string | null }> {
  if (wanted === 'none') return { enclosure: new Plain(), why: null };
  const why = await bubblewrapProblem();
  if (why === null) return { enclosure: bubblewrap(mountDrives)!, why };
  if (wanted === 'bubblewrap') throw new Error(why);
  return { enclosure: new Plain(), why };
}

function bubblewrap(mountDrives: boolean): Bubblewrap | null {
  const [bwrap, nsenter] = [programPath('bwrap'), programPath('nsenter')];
  return bwrap === null || nsenter === null || !existsSync('/usr/bin/setpriv') ? null : new Bubblewrap(bwrap, nsenter, mountDrives);
}

/** Makes a sandbox and enters it, as some systems allow the one and not the other. */
async function bubblewrapProblem(): Promise<string | null> {
  const enclosure = bubblewrap(false);
  if (enclosure === null) return 'bubblewrap (bwrap, nsenter, setpriv) is not installed';
  const gpuId = 'gpu-probe';
  const folder = new RentalFolder(await mkdtemp(join(tmpdir(), 'kgpu-probe-')));
  try {
    await folder.make({ gpuId, userId: 0, node: '', image: '', env: {} });
    const main = await launch(enclosure, folder, gpuId, {});
    if (main === null) return `bubblewrap does not work here: ${await folder.lastWords()}`;
    for (let tries = 0; !folder.isReady && tries < 500; tries++) await delay(10); // bwrap tells its number before all is mounted
    const code = await exitCodeOf(enclosure.exec(folder, main, {}, ['true']));
    return code === 0 ? null : 'a bubblewrap sandbox cannot be entered here';
  } finally {
    await killAll(() => enclosure.processes(folder, gpuId, null), 5_000).catch(() => {});
    await folder.remove();
  }
}

function exitCodeOf({ file, args, env, cwd }: Invocation): Promise<number | null> {
  return new Promise((resolve) => {
    const child = spawn(file, args, { env, cwd, stdio: 'ignore', timeout: 5_000, killSignal: 'SIGKILL' });
    child.on('error', () => resolve(null)).on('exit', (code) => resolve(code));
  });
}

function programPath(name: string): string | null {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/bin', '/bin', '/usr/sbin', '/sbin'];
  return folders.filter((folder) => folder.startsWith('/')).map((folder) => join(folder, name)).find((path) => existsSync(path)) ?? null;
}
