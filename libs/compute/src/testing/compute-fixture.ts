import { randomBytes } from 'node:crypto';
import { CollectedOutput } from '../collected-output.ts';
import type { Compute, ContainerSpec } from '../compute.ts';
import { openCompute } from '../open-compute.ts';
import type { ComputeOptions } from '../open-compute.ts';
import { until } from './until.ts';

/** What a contract suite needs of a driver. */
export interface ComputeFixture {
  /** Opens the driver, here and in other processes. */
  options: ComputeOptions;
  /** An image that has a shell. */
  image: string;
  /** One that can't be started, by its name. */
  brokenImage?: string;
  /** One that runs, without /bin/sh. */
  imageWithoutShell?: string;
  /** What there is of a rental, asked from the kernel or the engine and not from the driver. Empty when it is gone. */
  leftovers(gpuId: string): Promise<string[]>;
  dispose(): Promise<void>;
}

/** Why a case does not fit a driver, by the title of the case. */
export type Skips = Record<string, string>;

export interface Output {
  code: number | null;
  stdout: Buffer;
  stderr: Buffer;
}

/** A driver with the rentals that a suite made. */
export class ComputeRig {
  readonly #rented = new Set<string>();

  private constructor(readonly fixture: ComputeFixture, readonly compute: Compute) {}

  static async open(fixture: ComputeFixture, wrap: (compute: Compute) => Compute = (compute) => compute): Promise<ComputeRig> {
    return new ComputeRig(fixture, wrap(await openCompute(fixture.options)));
  }

  spec(change: Partial<ContainerSpec> = {}): ContainerSpec {
    const gpuId = `gpu-1-260101000000-${randomBytes(4).toString('hex')}`;
    return { gpuId, userId: 1, node: 'here', image: this.fixture.image, env: { KGPU_GPU_ID: gpuId, GREETING: 'good "morning"' }, ...change };
  }

  /** A rental that is Ready; it is destroyed with the rig. */
  async rent(change: Partial<ContainerSpec> = {}): Promise<string> {
    const spec = this.spec(change);
    this.#rented.add(spec.gpuId);
    await this.compute.create(spec);
    await this.becomes(spec.gpuId, 'ready');
    return spec.gpuId;
  }

  becomes(gpuId: string, state: string): Promise<unknown> {
    this.#rented.add(gpuId);
    return until(`${gpuId} is ${state}`, async () => (await this.compute.status(gpuId)).state === state, 30_000);
  }

  async output(gpuId: string, argv: readonly string[], stdin: Buffer | string = ''): Promise<Output> {
    const session = await this.compute.exec(gpuId, argv);
    session.stdin.on('error', () => {}).end(stdin);
    const said = new CollectedOutput();
    const [code] = await Promise.all([session.exit, session.read(said)]);
    return { code, stdout: said.out, stderr: said.err };
  }

  async text(gpuId: string, script: string): Promise<string> {
    return (await this.output(gpuId, ['/bin/sh', '-c', script])).stdout.toString();
  }

  async close(): Promise<void> {
    for (const gpuId of this.#rented) await this.compute.destroy(gpuId);
    await this.compute.close();
  }
}
