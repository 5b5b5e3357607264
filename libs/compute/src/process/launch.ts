import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import type { Readable } from 'node:stream';
import type { Enclosure } from './enclosure.ts';
import { identify } from './kernel-process.ts';
import type { ProcessIdentity } from './kernel-process.ts';
import type { RentalFolder } from './rental-folder.ts';

const deadlineMs = 10_000;

/**
 * Starts the main process of a rental, tied to nothing of ours: a session of its own, its output in a file. Null when it
 * ended at once; its last words are in the folder then.
 */
export async function launch(enclosure: Enclosure, folder: RentalFolder, gpuId: string, env: Record<string, string>): Promise<ProcessIdentity | null> {
  const { file, args, env: variables, cwd } = enclosure.main(folder, gpuId, env);
  const console = openSync(folder.console, 'a', 0o600);
  try {
    const child = spawn(file, args, { env: variables, cwd, detached: true, stdio: ['ignore', console, console, enclosure.tellsPid ? 'pipe' : 'ignore'] });
    child.unref();
    await once(child, 'spawn');
    const pid = enclosure.tellsPid ? await toldPid(child.stdio[3] as Readable) : child.pid!;
    return pid === null ? null : identify(pid);
  } finally {
    closeSync(console);
  }
}

/** bwrap writes `{"child-pid": N, …}` once the sandbox is made, or ends. */
async function toldPid(pipe: Readable): Promise<number | null> {
  const timer = setTimeout(() => pipe.destroy(), deadlineMs);
  let text = '';
  try {
    for await (const chunk of pipe) {
      text += String(chunk);
      const pid = /"child-pid":\s*(\d+)/.exec(text)?.[1];
      if (pid !== undefined && text.includes('}')) return Number(pid);
    }
    return null;
  } finally {
    clearTimeout(timer);
    pipe.destroy();
  }
}
