import type { FileHandle } from 'node:fs/promises';
import Docker from 'dockerode';
import type {
  Compute, ComputeNode, ContainerSpec, ContainerStatus, DiskUsage, DriveMounts, ExecOptions, ExecSession, LocalFiles, OwnNetwork, WayToMachine,
} from '../compute.ts';
import { endsWithin } from '../ends-within.ts';
import { EngineError } from '../exec-queue.ts';
import { localGpuModel } from '../gpu-model.ts';
import { mayHaveDrives } from './container-options.ts';
import type { EngineTraits } from './container-options.ts';
import { openContainerRoot } from './container-root.ts';
import { startContainer } from './container-start.ts';
import { statusOf } from './container-status.ts';
import type { ReadyMark } from './container-status.ts';
import { dockerExec } from './docker-exec.ts';
import { messageOf } from './docker-image.ts';
import { ensureNetwork, machineName, removeNetwork } from './docker-network.ts';
import type { RentalNetwork } from './docker-network.ts';
import { EngineHttp, engineAddress } from './engine-http.ts';
import { labels } from './labels.ts';
import { removeContainer } from './remove-container.ts';

export interface DockerComputeOptions {
  /** Names this install on the engine: labels, names of containers, the network. */
  installId: string;
  /** Rentals that may share the engine's machine at once. */
  slots: number;
  /** Default: the engine's name for its machine. */
  nodeName?: string;
  /** Default: `DOCKER_HOST`, else `unix:///var/run/docker.sock`. */
  dockerHost?: string;
  /** A network that is there already, `none` or `host`. Default: one of the install's own, `none` where the engine can't make one. */
  network?: string;
  /** Disk of a rental, where the engine can hold it to that; else `diskBytes` tells what it takes. Default 100 GiB. */
  diskCapBytes?: number;
  /** Let rentals mount their drives: /dev/fuse and SYS_ADMIN. Default false. */
  mountDrives?: boolean;
}

/** A start under way, or why it failed. Not in the engine: after a restart of ours `create` is called again and comes to the same. */
interface Attempt {
  message: string;
  failure: string | null;
  readonly abort: AbortController;
  settled: Promise<void>;
}

interface EngineInfo {
  Name: string;
  ServerVersion: string;
  MemTotal: number;
  OperatingSystem: string;
  Runtimes?: Record<string, unknown>;
}

/** Rentals as containers of a Docker engine. */
export class DockerCompute implements Compute, DiskUsage, DriveMounts, LocalFiles, OwnNetwork {
  readonly driver = 'docker';
  readonly #attempts = new Map<string, Attempt>();
  readonly #ready = new Map<string, ReadyMark>();
  #diskLimitBytes: number | null;
  #lookingForNetwork: Promise<RentalNetwork> | null = null;

  private constructor(
    readonly options: DockerComputeOptions, readonly docker: Docker, readonly engine: EngineHttp,
    readonly node: ComputeNode, readonly notices: readonly string[], readonly traits: Omit<EngineTraits, 'network' | 'diskLimitBytes'>, readonly desktop: boolean,
  ) {
    this.#diskLimitBytes = options.diskCapBytes ?? 107_374_182_400;
  }

  /** Throws an Error when the engine doesn't answer. */
  static async open(options: DockerComputeOptions): Promise<DockerCompute> {
    const address = engineAddress(options.dockerHost);
    const docker = new Docker({ ...address, timeout: 120_000 });
    const engine = new EngineHttp(address);
    const [{ status, body }, model] = await Promise.all([engine.request('GET', '/info'), localGpuModel()]);
    if (status !== 200) throw new EngineError(`the Docker engine answered ${status}: ${body?.message ?? ''}`);
    const info = body as unknown as EngineInfo;
    const gpu = 'nvidia' in (info.Runtimes ?? {});
    const node = { name: options.nodeName ?? info.Name, gpu_model: (gpu ? model ?? 'nvidia' : null) ?? 'cpu', gpu_total: options.slots, ready: true };
    const notices = [
      `Rentals are containers of the Docker engine ${info.ServerVersion}: a security boundary as strong as containers are, which share one kernel.`,
      ...(gpu ? [] : ['The engine has no NVIDIA runtime: rentals get no GPU.']),
      options.mountDrives ?? false
        ? 'Rentals may mount file systems (SYS_ADMIN, for their drives): a weaker boundary, for people you trust.'
        : 'Drives are not mounted in rentals, as KGPU_MOUNT_DRIVES is not 1.',
    ];
    const traits = { gpu, memoryBytes: info.MemTotal, fuse: options.mountDrives ?? false };
    return new DockerCompute(options, docker, engine, node, notices, traits, info.OperatingSystem === 'Docker Desktop');
  }

  async nodes(): Promise<ComputeNode[]> {
    const ready = await this.engine.request('GET', '/_ping', undefined, 3_000).then(({ status }) => status === 200, () => false);
    return [{ ...this.node, ready }];
  }

  async create(spec: ContainerSpec): Promise<void> {
    if (this.#attempts.has(spec.gpuId)) return;
    const abort = new AbortController();
    const attempt: Attempt = { message: 'asking the engine', failure: null, abort, settled: Promise.resolve() };
    this.#attempts.set(spec.gpuId, attempt);
    try {
      const container = await this.#inspect(spec.gpuId);
      if (container === null || container.State.Status === 'created') attempt.settled = this.#start(spec, attempt);
      else this.#attempts.delete(spec.gpuId);
    } catch (error) {
      this.#attempts.delete(spec.gpuId);
      throw error;
    }
  }

  async status(gpuId: string): Promise<ContainerStatus> {
    const attempt = this.#attempts.get(gpuId);
    if (attempt?.failure) return { gpuId, state: 'start_failed', message: attempt.failure };
    if (attempt !== undefined) return { gpuId, state: 'starting', message: attempt.message };
    const container = await this.#inspect(gpuId);
    if (container === null) return { gpuId, state: 'absent' };
    return statusOf(gpuId, container, { docker: this.docker, engine: this.engine, ready: this.#ready });
  }

  async list(): Promise<ContainerStatus[]> {
    const filters = encodeURIComponent(JSON.stringify({ label: [`${labels.install}=${this.options.installId}`] }));
    const { status, body } = await this.engine.request('GET', `/containers/json?all=true&filters=${filters}`);
    if (status !== 200) throw new EngineError(`the Docker engine answered ${status}: ${body?.message ?? ''}`);
    const containers = body as unknown as Docker.ContainerInfo[];
    const ids = new Set([...containers.map(({ Labels }) => Labels[labels.gpu] ?? ''), ...this.#attempts.keys()].filter((id) => id !== ''));
    return Promise.all([...ids].map((gpuId) => this.status(gpuId)));
  }

  async destroy(gpuId: string): Promise<void> {
    const attempt = this.#attempts.get(gpuId);
    attempt?.abort.abort();
    await attempt?.settled;
    await removeContainer(this.docker, this.#name(gpuId));
    if (attempt === this.#attempts.get(gpuId)) this.#attempts.delete(gpuId);
    this.#ready.delete(gpuId);
  }

  async unmountDrives(gpuId: string, deadlineMs: number, signal?: AbortSignal): Promise<boolean> {
    const container = await this.#inspect(gpuId);
    if (container === null || !mayHaveDrives(container) || !container.State.Running) return true;
    if (container.State.Paused) return false;
    await this.engine.request('POST', `/containers/${container.Id}/kill?signal=SIGTERM`);
    return endsWithin(deadlineMs, async () => !((await this.#inspect(gpuId))?.State.Running ?? false), signal);
  }

  exec(gpuId: string, argv: readonly string[], options: ExecOptions = {}): Promise<ExecSession> {
    return dockerExec(this.engine, this.#name(gpuId), gpuId, argv, options);
  }

  async openRoot(gpuId: string): Promise<FileHandle | null> {
    // Of an engine that is reached over a network no process is here.
    if (this.engine.address.socketPath === undefined || this.desktop) return null;
    const container = await this.#inspect(gpuId);
    return container === null ? null : openContainerRoot(container);
  }

  async diskBytes(gpuId: string): Promise<number | null> {
    const { status, body } = await this.engine.request('GET', `/containers/${this.#name(gpuId)}/json?size=true`, undefined, 120_000);
    return status === 200 && typeof body?.['SizeRw'] === 'number' ? body['SizeRw'] : null;
  }

  async wayToMachine(): Promise<WayToMachine | null> {
    const { machine, subnet } = await this.#rentalNetwork();
    if (machine === null || this.engine.address.socketPath === undefined) return null;
    if (this.desktop) return { host: machineName, listen: null };
    return subnet === null ? null : { host: machineName, listen: { address: machine, subnet } };
  }

  async removeNetwork(): Promise<void> {
    if (this.options.network === undefined && (await this.list()).length === 0) await removeNetwork(this.docker, this.options.installId);
  }

  async close(): Promise<void> {
    for (const attempt of this.#attempts.values()) attempt.abort.abort();
    await Promise.all([...this.#attempts.values()].map(({ settled }) => settled));
    this.engine.close();
  }

  /** Never rejects: what fails for good stays in the attempt; when the engine went away, the next `create` goes on. */
  async #start(spec: ContainerSpec, attempt: Attempt): Promise<void> {
    try {
      const network = await this.#rentalNetwork();
      await startContainer({
        docker: this.docker, name: this.#name(spec.gpuId), installId: this.options.installId, spec, signal: attempt.abort.signal,
        traits: { ...this.traits, network, diskLimitBytes: this.#diskLimitBytes },
        onStep: (message) => { attempt.message = message; },
        onNoDiskLimit: () => { this.#diskLimitBytes = null; },
      });
      this.#attempts.delete(spec.gpuId);
    } catch (error) {
      if (wentAway(error) || attempt.abort.signal.aborted) this.#attempts.delete(spec.gpuId);
      else attempt.failure = messageOf(error);
    }
  }

  /**
   * Looked at each time: a network that no container uses goes with `docker network prune`. By one at a time: an engine that can't
   * make networks lists one while it tries.
   */
  async #rentalNetwork(): Promise<RentalNetwork> {
    if (this.options.network !== undefined) return { name: this.options.network, machine: null, subnet: null };
    this.#lookingForNetwork ??= ensureNetwork(this.docker, this.options.installId, this.desktop).finally(() => { this.#lookingForNetwork = null; });
    return this.#lookingForNetwork;
  }

  async #inspect(gpuId: string): Promise<Docker.ContainerInspectInfo | null> {
    const { status, body } = await this.engine.request('GET', `/containers/${this.#name(gpuId)}/json`);
    if (status === 404) return null;
    if (status !== 200) throw new EngineError(`the Docker engine answered ${status}: ${body?.message ?? ''}`);
    return body as unknown as Docker.ContainerInspectInfo;
  }

  #name(gpuId: string): string {
    if (!/^[\w-]{1,100}$/.test(gpuId)) throw new Error(`"${gpuId}" is no id of a rental`);
    return `kgpu-${this.options.installId}-${gpuId}`;
  }
}

/** The connection to the engine failed, rather than that the engine said no. */
function wentAway(error: unknown): boolean {
  const { statusCode, code } = error as { statusCode?: number; code?: unknown };
  return error instanceof EngineError || (statusCode === undefined && typeof code === 'string' && /^E[A-Z]+$/.test(code));
}

/** Whether an engine answers within a second. */
export async function dockerAvailable(dockerHost?: string): Promise<boolean> {
  try {
    const engine = new EngineHttp(engineAddress(dockerHost));
    const { status } = await engine.request('GET', '/_ping', undefined, 1_000).finally(() => engine.close());
    return status === 200;
  } catch {
    return false;
  }
}
