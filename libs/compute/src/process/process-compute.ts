import { constants } from 'node:fs';
import { open, readdir } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join, resolve } from 'node:path';
import { ContainerGone } from '../compute.ts';
import type { Compute, ComputeNode, ContainerSpec, ContainerStatus, DiskUsage, DriveMounts, ExecOptions, ExecSession, LocalFiles } from '../compute.ts';
import { endsWithin } from '../ends-within.ts';
import { localGpuModel } from '../gpu-model.ts';
import { childSession } from './child-session.ts';
import type { Enclosure } from './enclosure.ts';
import { drivesProblem } from './drives-problem.ts';
import { isAlive, killAll, terminate } from './kernel-process.ts';
import type { ProcessIdentity } from './kernel-process.ts';
import { launch } from './launch.ts';
import { openEnclosure } from './open-enclosure.ts';
import { RentalFolder } from './rental-folder.ts';

export interface ProcessComputeOptions {
  /** Rentals live in `<dataDir>/rentals/<gpu_id>/`. */
  dataDir: string;
  /** Rentals that may share this machine at once. */
  slots: number;
  /** Default: the host name. */
  nodeName?: string;
  /** Unset: bubblewrap when it works here, else none. */
  sandbox?: Enclosure['name'];
  /** Rentals in a sandbox mount their drives, where this machine can. Default true. */
  mountDrives?: boolean;
}

const destroyDeadlineMs = 20_000;

/**
 * Rentals as processes of this machine: a laptop works without any engine. Images are recorded, not pulled; commands run
 * with this machine's own programs. All it knows is in the rentals' folders and in the kernel, so that rentals live on
 * when the services end, and any process with the same data folder sees the same.
 */
export class ProcessCompute implements Compute, DiskUsage, DriveMounts, LocalFiles {
  readonly driver = 'process';
  readonly #turns = new Map<string, Promise<unknown>>();

  private constructor(
    readonly rentals: string, readonly enclosure: Enclosure, readonly notices: readonly string[], readonly node: ComputeNode,
    readonly noDrives: string | null,
  ) {}

  static async open(options: ProcessComputeOptions): Promise<ProcessCompute> {
    const noDrives = options.mountDrives ?? true ? drivesProblem() : 'this server is told not to';
    const [{ enclosure, why }, model] = await Promise.all([openEnclosure(options.sandbox, noDrives === null), localGpuModel()]);
    const node = { name: options.nodeName ?? hostname(), gpu_model: model ?? 'cpu', gpu_total: options.slots, ready: true };
    return new ProcessCompute(resolve(options.dataDir, 'rentals'), enclosure, noticesOf(enclosure, why, noDrives), node, noDrives);
  }

  async nodes(): Promise<ComputeNode[]> {
    return [this.node];
  }

  create(spec: ContainerSpec): Promise<void> {
    return this.#inTurn(spec.gpuId, async () => {
      const folder = this.#folder(spec.gpuId);
      if ((await this.status(spec.gpuId)).state !== 'absent') return;
      // Of a creation that was interrupted a half-made sandbox may be left, which must not be taken for the new one.
      await killAll(() => this.enclosure.processes(folder, spec.gpuId, null), destroyDeadlineMs);
      await folder.make(spec);
      const main = await launch(this.enclosure, folder, spec.gpuId, spec.env).catch(async (error: Error) => {
        await folder.recordFailure(error.message);
        return null;
      });
      if (main !== null) await folder.recordProcess(main);
      else await folder.recordFailure((await folder.failure()) ?? ((await folder.lastWords()) || 'its main process ended at once'));
    });
  }

  async status(gpuId: string): Promise<ContainerStatus> {
    const folder = this.#folder(gpuId);
    const spec = await folder.spec();
    if (spec === null) return { gpuId, state: 'absent' };
    const failure = await folder.failure();
    if (failure !== null) return { gpuId, state: 'start_failed', message: failure };
    const main = await this.#main(folder, gpuId);
    if (main === null) return { gpuId, state: 'absent' };
    if (isAlive(main)) {
      const warning = this.#warning(spec.image);
      if (!folder.isReady) return { gpuId, state: 'starting', message: 'kgpu-bootstrap is at work', warning };
      return { gpuId, state: 'ready', warning: `${warning} ${await folder.readyText()}`.trim() };
    }
    const message = (await folder.lastWords()) || 'its main process ended';
    return { gpuId, state: folder.isReady ? 'exited' : 'start_failed', message };
  }

  async list(): Promise<ContainerStatus[]> {
    const names = await readdir(this.rentals).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return [];
      throw error;
    });
    return Promise.all(names.map((gpuId) => this.status(gpuId)));
  }

  destroy(gpuId: string): Promise<void> {
    return this.#inTurn(gpuId, async () => {
      const folder = this.#folder(gpuId);
      const main = await folder.process();
      await killAll(() => this.enclosure.processes(folder, gpuId, main), destroyDeadlineMs);
      await folder.remove();
    });
  }

  async unmountDrives(gpuId: string, deadlineMs: number, signal?: AbortSignal): Promise<boolean> {
    if (this.enclosure.name === 'none') return true;
    const main = await this.#main(this.#folder(gpuId), gpuId);
    if (main === null || !isAlive(main)) return true;
    terminate(main);
    return endsWithin(deadlineMs, () => !isAlive(main), signal);
  }

  async exec(gpuId: string, argv: readonly string[], options: ExecOptions = {}): Promise<ExecSession> {
    const folder = this.#folder(gpuId);
    const spec = await folder.spec();
    const main = spec === null ? null : await this.#main(folder, gpuId);
    if (spec === null || main === null || !isAlive(main)) throw new ContainerGone(gpuId);
    return childSession(this.enclosure.exec(folder, main, spec.env, argv), options);
  }

  /** Its folders have the names that they have inside. What is mounted inside of a sandbox isn't seen from here. */
  async openRoot(gpuId: string): Promise<FileHandle | null> {
    return open(this.#folder(gpuId).path, constants.O_RDONLY | constants.O_DIRECTORY).catch(() => null);
  }

  diskBytes(gpuId: string): Promise<number | null> {
    return this.#folder(gpuId).diskBytes();
  }

  async close(): Promise<void> {}

  /** As recorded, or, when we were killed before we could record it, as the kernel knows it. */
  async #main(folder: RentalFolder, gpuId: string): Promise<ProcessIdentity | null> {
    const recorded = await folder.process();
    if (recorded !== null) return recorded;
    const found = this.enclosure.findMain(folder, gpuId);
    if (found !== null) await folder.recordProcess(found);
    return found;
  }

  #folder(gpuId: string): RentalFolder {
    if (!/^[\w-]{1,100}$/.test(gpuId)) throw new Error(`"${gpuId}" is no id of a rental`);
    return new RentalFolder(join(this.rentals, gpuId));
  }

  #warning(image: string): string {
    const recorded = `The process driver does not pull images: "${image}" is recorded, commands run with the programs of this server.`;
    if (this.enclosure.warning !== null) return `${recorded} ${this.enclosure.warning}`;
    return this.noDrives === null ? recorded : `${recorded} /files and /shared are empty and read-only, no drives are mounted there: ${this.noDrives}.`;
  }

  /** One after the other per rental, so that a create and a destroy never meet. */
  #inTurn<T>(gpuId: string, action: () => Promise<T>): Promise<T> {
    const turn = (this.#turns.get(gpuId) ?? Promise.resolve()).then(action, action);
    this.#turns.set(gpuId, turn);
    const forget = () => {
      if (this.#turns.get(gpuId) === turn) this.#turns.delete(gpuId);
    };
    turn.then(forget, forget);
    return turn;
  }
}

function noticesOf(enclosure: Enclosure, why: string | null, noDrives: string | null): string[] {
  const how = enclosure.name === 'bubblewrap'
    ? 'Rentals are processes of this machine in bubblewrap sandboxes.'
    : `Rentals are plain processes of this machine${why === null ? '' : ` (${why})`}: they see its files.`;
  const drives = enclosure.name === 'none' || noDrives === null ? [] : [`Drives are not mounted in rentals: ${noDrives}.`];
  return [`${how} This is no security boundary: for people you trust, on a loopback address.`, 'Limits on memory, disk and processes are not enforced.', ...drives];
}
