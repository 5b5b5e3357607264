import type Docker from 'dockerode';
import type { ContainerSpec } from '../compute.ts';
import { containerOptions } from './container-options.ts';
import type { EngineTraits } from './container-options.ts';
import { ensureImage, ImageError, messageOf } from './docker-image.ts';

/** A container that won't start by trying again. */
export class StartError extends Error {
  override readonly name = 'StartError';
}

export interface StartOrder {
  docker: Docker;
  name: string;
  installId: string;
  spec: ContainerSpec;
  /** What the engine can do, for this container. */
  traits: EngineTraits;
  signal: AbortSignal;
  /** Where it is, for people. */
  onStep(message: string): void;
  /** The engine can't hold containers to a disk size. */
  onNoDiskLimit(): void;
}

/**
 * Gets the image, makes the container, starts it. May be repeated at any point. Nothing is left of a container that
 * doesn't start. Throws `ImageError`, `StartError`, or whatever says that the engine went away.
 */
export async function startContainer(order: StartOrder): Promise<void> {
  order.onStep(`pulling ${order.spec.image}`);
  await ensureImage(order.docker, order.spec.image, order.signal);
  order.onStep('starting the container');
  try {
    await makeAndStart(order, 'init');
  } catch (error) {
    if (!(error instanceof StartError) || !/\/bin\/sh/.test(error.message)) throw error;
    await makeAndStart(order, 'image');
  }
}

async function makeAndStart(order: StartOrder, main: 'init' | 'image'): Promise<void> {
  await make(order, main);
  const container = order.docker.getContainer(order.name);
  order.signal.throwIfAborted();
  try {
    await container.start();
  } catch (error) {
    const { statusCode } = error as { statusCode?: number };
    if (statusCode === 304) return; // it runs already
    if (statusCode === undefined) throw error;
    await container.remove({ force: true, v: true }).catch(() => {});
    throw new StartError(messageOf(error), { cause: error });
  }
}

async function make(order: StartOrder, main: 'init' | 'image'): Promise<void> {
  const { docker, name, installId, spec, traits } = order;
  try {
    await docker.createContainer(containerOptions(name, installId, spec, main, traits));
  } catch (error) {
    const { statusCode } = error as { statusCode?: number };
    if (statusCode === 409) return; // made before
    if (statusCode === undefined) throw error;
    if (statusCode === 404) throw new ImageError(messageOf(error), { cause: error });
    if (traits.diskLimitBytes === null || !/storage-opt|quota|storage driver/i.test(messageOf(error))) throw new StartError(messageOf(error), { cause: error });
    order.onNoDiskLimit();
    await make({ ...order, traits: { ...traits, diskLimitBytes: null } }, main);
  }
}
