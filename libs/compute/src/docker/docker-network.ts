import type Docker from 'dockerode';
import { labels } from './labels.ts';

/** What the machine is called inside containers. */
export const machineName = 'host.docker.internal';

export interface RentalNetwork {
  /** Name of a network, `none` or `host`. */
  name: string;
  /** What `host.docker.internal` stands for; null where there is no way to the machine. */
  machine: string | null;
  /** Its addresses, such as `172.18.0.0/16`; null where that is the engine's own affair. */
  subnet: string | null;
}

/**
 * The network of an install's rentals: one bridge on which containers reach the world and the machine (as
 * `host.docker.internal`), but not each other. `none` when this engine can't make networks. Docker Desktop has a way of
 * its own from containers to the machine.
 */
export async function ensureNetwork(docker: Docker, installId: string, desktop: boolean): Promise<RentalNetwork> {
  const name = networkName(installId);
  const networks = await docker.listNetworks();
  if (!networks.some((network) => network.Name === name) && !(await made(docker, name, installId))) return { name: 'none', machine: null, subnet: null };
  if (desktop) return { name, machine: 'host-gateway', subnet: null };
  const { IPAM: addresses } = await docker.getNetwork(name).inspect();
  const { Gateway: gateway, Subnet: subnet } = addresses?.Config?.[0] ?? {};
  return { name, machine: gateway ?? null, subnet: subnet ?? null };
}

/** Resolves also when it isn't there; throws while something uses it. */
export async function removeNetwork(docker: Docker, installId: string): Promise<void> {
  await docker.getNetwork(networkName(installId)).remove().catch((error: { statusCode?: number }) => {
    if (error.statusCode !== 404) throw error;
  });
}

const networkName = (installId: string) => `kgpu-${installId}`;

async function made(docker: Docker, name: string, installId: string): Promise<boolean> {
  const withoutEachOther = { 'com.docker.network.bridge.enable_icc': 'false' };
  try {
    await docker.createNetwork({ Name: name, CheckDuplicate: true, Labels: { [labels.install]: installId }, Options: withoutEachOther });
    return true;
  } catch (error) {
    const status = (error as { statusCode?: number }).statusCode;
    if (status === undefined) throw error;
    return status === 409; // somebody else was quicker
  }
}
