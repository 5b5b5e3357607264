import Docker from 'dockerode';
import { engineAddress } from '../docker/engine-http.ts';
import { labels } from '../docker/labels.ts';

/** Kills the running container of a rental, behind the back of its driver. */
export async function killContainer(dockerHost: string, gpuId: string): Promise<void> {
  const docker = new Docker(engineAddress(dockerHost));
  const [container] = await docker.listContainers({ filters: { label: [`${labels.gpu}=${gpuId}`] } });
  if (container === undefined) throw new Error(`no container of ${gpuId} is running`);
  await docker.getContainer(container.Id).kill();
}
