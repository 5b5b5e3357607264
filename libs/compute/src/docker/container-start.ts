import type { Readable } from 'node:stream';
import type Docker from 'dockerode';
import type { ContainerSpec } from '../compute.ts';
import { EngineError } from '../exec-queue.ts';
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
  await make(order, 'init');
  if (!(await hasShell(order))) {
    await remove(order);
    await make(order, 'image');
  }
  order.signal.throwIfAborted();
  await start(order);
}

/** Asked before it starts: the engine's own init would start, and only then find no shell. */
async function hasShell({ docker, name }: StartOrder): Promise<boolean> {
  try {
    const answer = await docker.getContainer(name).infoArchive({ path: '/bin/sh' }) as unknown as Readable;
    answer.resume(); // an answer that isn't read keeps its connection for ever
    return true;
  } catch (error) {
    if ((error as { statusCode?: number }).statusCode === 404) return false;
    throw error;
  }
}

async function start(order: StartOrder): Promise<void> {
  try {
    await order.docker.getContainer(order.name).start();
  } catch (error) {
    const { statusCode } = error as { statusCode?: number };
    if (statusCode === 304) return; // it runs already
    if (statusCode === undefined) throw error;
    await remove(order);
    throw new StartError(messageOf(error), { cause: error });
  }
}

/**
 * The engine gives the name of a container away before it has made it: another order may still be under way, as that of a process of
 * ours that was killed, and until then it says of everything in it that it isn't there.
 */
async function beThere({ docker, name }: StartOrder, cause: unknown): Promise<void> {
  await docker.getContainer(name).inspect().catch((error: { statusCode?: number }) => {
    if (error.statusCode !== 404) throw error;
    throw new EngineError('the engine is still making the container', { cause });
  });
}

async function remove({ docker, name }: StartOrder): Promise<void> {
  await docker.getContainer(name).remove({ force: true, v: true }).catch((error: { statusCode?: number }) => {
    if (error.statusCode !== 404) throw error;
  });
}

async function make(order: StartOrder, main: 'init' | 'image'): Promise<void> {
  const { docker, name, installId, spec, traits } = order;
  try {
    await docker.createContainer(containerOptions(name, installId, spec, main, traits));
  } catch (error) {
    const { statusCode } = error as { statusCode?: number };
    if (statusCode === 409) return beThere(order, error); // made before
    if (statusCode === undefined) throw error;
    if (statusCode === 404) throw new ImageError(messageOf(error), { cause: error });
    if (traits.diskLimitBytes === null || !/storage-opt|quota|storage driver/i.test(messageOf(error))) throw new StartError(messageOf(error), { cause: error });
    order.onNoDiskLimit();
    await make({ ...order, traits: { ...traits, diskLimitBytes: null } }, main);
  }
}
