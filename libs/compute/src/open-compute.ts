import type { Compute } from './compute.ts';
import { ProcessCompute } from './process/process-compute.ts';

export interface ComputeOptions {
  /** Unset: docker when an engine answers, else process. */
  driver?: 'process' | 'docker';
  /** Folder of all state. */
  dataDir: string;
  /** Names this install on a shared engine. */
  installId: string;
  /** Rentals that may share this machine at once. */
  slots: number;
  /** Default: the host name. */
  nodeName?: string;
}

/** Opens what runs containers. Its `notices` say what was chosen and what that means. */
export async function openCompute(options: ComputeOptions): Promise<Compute> {
  const { dataDir, slots, nodeName } = options;
  return ProcessCompute.open({ dataDir, slots, ...(nodeName === undefined ? {} : { nodeName }) });
}
