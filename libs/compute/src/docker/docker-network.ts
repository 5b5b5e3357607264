import type Docker from 'dockerode';
import { labels } from './labels.ts';

export interface RentalNetwork {
  /** Name of a network, `none` or `host`. */
  name: string;
  /** What `host.docker.internal` stands for; null where there is no way to the machine. */
  machine: string | null;
}

/**
 * The network of an install's rentals: one bridge on which containers reach the world and the machine (as
 * `host.docker.internal`), but not each other. `none` when this engine can't make networks.
 */
export async function ensureNetwork(docker: Docker, installId: string): Promise<RentalNetwork> {
  const name = `kgpu-${installId}`;
  const networks = await docker.listNetworks();
  if (!networks.some((network) => network.Name === name) && !(await made(docker, name, installId))) return { name: 'none', machine: null };
  if (networks.some((network) => network.Name === 'bridge')) return { name, machine: 'host-gateway' };
  const { IPAM: addresses } = await docker.getNetwork(name).inspect();
  return { name, machine: addresses?.Config?.[0]?.['Gateway'] ?? null };
}

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
