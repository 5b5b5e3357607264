import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Docker from 'dockerode';
import { engineAddress } from '../docker/engine-http.ts';
import type { ComputeFixture } from './compute-fixture.ts';
import { importTestImage } from './import-test-image.ts';

export async function dockerFixture(dockerHost: string): Promise<ComputeFixture> {
  const dataDir = await mkdtemp(join(tmpdir(), 'kgpu-docker-'));
  const installId = `test-${randomBytes(3).toString('hex')}`;
  const docker = new Docker(engineAddress(dockerHost));
  await importTestImage(dockerHost, ['kgpu-test:1']);
  await importTestImage(dockerHost, ['kgpu-test-shell-less:1'], { withoutShell: true, changes: ['CMD ["/bin/busybox", "sleep", "100000"]'] });
  return {
    options: { driver: 'docker', dataDir, installId, slots: 4, dockerHost },
    image: 'kgpu-test:1',
    brokenImage: 'localhost:1/kgpu-no-such-image:1',
    imageWithoutShell: 'kgpu-test-shell-less:1',
    leftovers: async (gpuId) => {
      const containers = await docker.listContainers({ all: true, filters: { label: [`kgpu.gpu=${gpuId}`] } });
      return containers.map(({ Id, State }) => `container ${Id} ${State}`);
    },
    dispose: async () => {
      for (const { Id } of await docker.listNetworks({ filters: { label: [`kgpu.install=${installId}`] } })) await docker.getNetwork(Id).remove();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}
