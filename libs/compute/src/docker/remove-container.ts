import { setTimeout as delay } from 'node:timers/promises';
import type Docker from 'dockerode';
import { EngineError } from '../exec-queue.ts';

const deadlineMs = 60_000;

/** Kills and removes a container, frozen or not, with its disk. Resolves when the engine no longer knows it. Throws `EngineError` after a minute. */
export async function removeContainer(docker: Docker, name: string): Promise<void> {
  const container = docker.getContainer(name);
  const deadline = performance.now() + deadlineMs;
  for (let last = ''; ; await delay(100)) {
    try {
      await container.remove({ force: true, v: true });
    } catch (error) {
      const { statusCode, message } = error as { statusCode?: number; message: string };
      if (statusCode === undefined) throw new EngineError(`the Docker engine did not answer: ${message}`, { cause: error });
      last = message; // 404 gone, 409 being removed by somebody, 500 the engine could not: look again
    }
    const state = await stateOf(container);
    if (state === null) return;
    if (state.Paused) await thaw(container);
    if (performance.now() > deadline) throw new EngineError(`the container can't be removed: ${last}`);
  }
}

async function stateOf(container: Docker.Container): Promise<Docker.ContainerInspectInfo['State'] | null> {
  try {
    return (await container.inspect()).State;
  } catch (error) {
    const { statusCode, message } = error as { statusCode?: number; message: string };
    if (statusCode === 404) return null;
    throw new EngineError(`the Docker engine did not answer: ${message}`, { cause: error });
  }
}

/** A frozen process takes SIGKILL only when it is let go. */
async function thaw(container: Docker.Container): Promise<void> {
  await container.kill({ signal: 'SIGKILL' }).catch(() => {});
  await container.unpause().catch(() => {});
}
