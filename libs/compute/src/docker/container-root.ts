import { constants } from 'node:fs';
import { open, readFile } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import type Docker from 'dockerode';
import { mayMount } from './container-options.ts';

/**
 * The root folder of a running container on this machine, by its main process. Null where there is no such process here (by its
 * control group, which has the container's id: of an engine elsewhere the number is somebody else's), or we may not look.
 */
export async function openContainerRoot(container: Docker.ContainerInspectInfo): Promise<FileHandle | null> {
  const { Id: id, State: { Pid: pid, Running: isRunning } } = container;
  if (!isRunning || pid === 0 || mayMount(container)) return null;
  try {
    if (!(await isOf(id, pid))) return null;
    const root = await open(`/proc/${pid}/root`, constants.O_RDONLY | constants.O_DIRECTORY);
    if (await isOf(id, pid)) return root; // still: the number may have gone to another process in between
    await root.close();
    return null;
  } catch {
    return null;
  }
}

async function isOf(containerId: string, pid: number): Promise<boolean> {
  return (await readFile(`/proc/${pid}/cgroup`, 'utf8')).includes(containerId);
}
