import type Docker from 'dockerode';
import type { ContainerSpec } from '../compute.ts';
import { initScript } from '../launcher/scripts.ts';
import { machineName } from './docker-network.ts';
import type { RentalNetwork } from './docker-network.ts';
import { labels } from './labels.ts';

/** What root in a rental may do: change owners and users, serve low ports, nothing of the machine's. */
const capabilities = ['CHOWN', 'DAC_OVERRIDE', 'FOWNER', 'SETUID', 'SETGID', 'KILL', 'NET_BIND_SERVICE', 'SYS_CHROOT'];
const processLimit = 16_384;

/** Bootstraps make this file when they are done. */
export const readyFile = '/tmp/kgpu/ready';

export interface EngineTraits {
  /** The engine has NVIDIA's runtime. */
  gpu: boolean;
  /** Bytes of memory of the machine. */
  memoryBytes: number;
  network: RentalNetwork;
  /** The container's disk is held to this many bytes by the engine; null where it can't. */
  diskLimitBytes: number | null;
  /** /dev/fuse and SYS_ADMIN, for mounts made inside. No sandbox against the machine's kernel then. */
  fuse: boolean;
}

/**
 * How a rental's container is made. `main` is `init` (our idling init, or the image's `kgpu-bootstrap`), or `image`: what
 * the image starts by itself, for images without a shell.
 */
export function containerOptions(name: string, installId: string, spec: ContainerSpec, main: 'init' | 'image', traits: EngineTraits): Docker.ContainerCreateOptions {
  const env = { ...spec.env, KGPU_READY_FILE: readyFile, ...(traits.gpu ? {} : { NVIDIA_VISIBLE_DEVICES: 'void' }) };
  return {
    name,
    Image: spec.image,
    Hostname: spec.gpuId.slice(0, 63),
    Env: Object.entries(env).map(([variable, value]) => `${variable}=${value}`),
    ...(main === 'init' ? { Entrypoint: ['/bin/sh', '-c', initScript, 'kgpu-init', spec.gpuId], Cmd: [] } : {}),
    Labels: { [labels.install]: installId, [labels.gpu]: spec.gpuId, [labels.user]: `${spec.userId}`, [labels.main]: main },
    Healthcheck: { Test: ['NONE'] },
    StopTimeout: 10,
    HostConfig: hostConfig(traits),
  };
}

/** Whether it was made so that it can mount drives, and has a main process that unmounts them when it is told to end. */
export function mayHaveDrives(container: Docker.ContainerInspectInfo): boolean {
  return container.Config.Labels[labels.main] === 'init' && mayMount(container);
}

/** Whether programs in it may mount file systems, of their own making too. */
export function mayMount({ HostConfig: host }: Docker.ContainerInspectInfo): boolean {
  return host.Privileged === true || (host.CapAdd ?? []).some((capability: string) => /^(CAP_)?(SYS_ADMIN|ALL)$/.test(capability));
}

function hostConfig(traits: EngineTraits): Docker.HostConfig {
  return {
    Init: true,
    CapDrop: ['ALL'],
    CapAdd: [...capabilities, ...(traits.fuse ? ['SYS_ADMIN'] : [])],
    // an engine with AppArmor forbids every mount by its usual profile
    SecurityOpt: ['no-new-privileges', ...(traits.fuse ? ['apparmor=unconfined'] : [])],
    PidsLimit: processLimit,
    RestartPolicy: { Name: 'no' },
    NetworkMode: traits.network.name,
    ...(traits.network.machine === null ? {} : { ExtraHosts: [`${machineName}:${traits.network.machine}`] }),
    // as much as a machine gives itself: the engine's 64 MiB is too little for data loaders
    ShmSize: Math.floor(traits.memoryBytes / 2),
    LogConfig: { Type: 'json-file', Config: { 'max-size': '1m', 'max-file': '1' } },
    ...(traits.fuse ? { Devices: [{ PathOnHost: '/dev/fuse', PathInContainer: '/dev/fuse', CgroupPermissions: 'rwm' }] } : {}),
    ...(traits.gpu ? { DeviceRequests: [{ Driver: 'nvidia', Count: -1, Capabilities: [['gpu']] }] } : {}),
    ...(traits.diskLimitBytes === null ? {} : { StorageOpt: { size: `${traits.diskLimitBytes}` } }),
  };
}
