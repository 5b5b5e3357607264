import type { Compute } from './compute.ts';
import { dockerAvailable, DockerCompute } from './docker/docker-compute.ts';
import type { DockerComputeOptions } from './docker/docker-compute.ts';
import { ProcessCompute } from './process/process-compute.ts';
import type { ProcessComputeOptions } from './process/process-compute.ts';

export interface ComputeOptions {
  /** Unset: docker when an engine answers, else process. */
  driver?: 'process' | 'docker' | undefined;
  /** Folder of all state (process). */
  dataDir: string;
  /** Names this install on a shared engine (docker). */
  installId: string;
  /** Rentals that may share the machine at once. */
  slots: number;
  /** Default: the machine's name. */
  nodeName?: string | undefined;
  /** Default: `DOCKER_HOST`, else `unix:///var/run/docker.sock`. */
  dockerHost?: string | undefined;
  /** Disk of a rental, where the engine can hold it to that. Default 100 GiB. */
  diskCapBytes?: number | undefined;
  /** Docker network of rentals; default: one of the install's own. */
  network?: string | undefined;
  /**
   * Rentals mount their drives at /files and /shared. Default: with process, where this machine can; not with docker,
   * as a container needs /dev/fuse and SYS_ADMIN for it, which weakens the wall around it.
   */
  mountDrives?: boolean | undefined;
  /** Of the process driver; default: bubblewrap when it works here. */
  sandbox?: 'bubblewrap' | 'none' | undefined;
}

/**
 * Opens what runs containers. Its `notices` say what was chosen and whether it is a security boundary. Throws an Error
 * when the driver that was asked for doesn't work here.
 */
export async function openCompute(options: ComputeOptions): Promise<Compute> {
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as unknown as DockerComputeOptions & ProcessComputeOptions;
  const driver = options.driver ?? (await dockerAvailable(options.dockerHost) ? 'docker' : 'process');
  return driver === 'docker' ? DockerCompute.open(given) : ProcessCompute.open(given);
}
