import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { newerRclone } from '@kgpu/contracts/testing';
import { hasDriveMounts, hasLocalFiles } from './compute.ts';
import { drivesProblem } from './process/drives-problem.ts';
import { buildDriveImage } from './testing/build-drive-image.ts';
import { ComputeRig } from './testing/compute-fixture.ts';
import { DriveServer } from './testing/drive-server.ts';
import { dockerFixture } from './testing/docker-fixture.ts';
import { drivesContract } from './testing/drives.contract.ts';
import { startDockerEngine } from './testing/start-docker-engine.ts';

/** The other drivers are tested with this machine's. */
const newer = (await newerRclone()) ?? undefined;
const engine = await startDockerEngine();
const missing = engine.dockerHost === null ? engine.reason : drivesProblem();

async function fixtureWithDrives(mountDrives: boolean) {
  const [fixture, images] = await Promise.all([dockerFixture(engine.dockerHost!), buildDriveImage(engine.dockerHost!, newer)]);
  return { ...fixture, ...images, options: { ...fixture.options, network: 'host', mountDrives } };
}

if (missing === null) {
  afterAll(async () => {
    if (engine.dockerHost !== null) await engine.stop();
  });
  drivesContract(newer === undefined ? 'Docker' : 'Docker, with a newer rclone', () => fixtureWithDrives(true));

  describe('an image that has rclone, and none of our programs', () => {
    it('mounts by hand as the guide says, and what it wrote last is uploaded, too', async () => {
      const fixture = await fixtureWithDrives(true);
      const server = await DriveServer.start();
      const rig = await ComputeRig.open(fixture);
      try {
        writeFileSync(join(server.shared, 'data'), 'shared\n');
        const gpu = await rig.rent({ image: fixture.base, env: server.env });
        const guide = readFileSync(new URL('../../../AGENTS.md', import.meta.url), 'utf8');
        const commands = /^rclone mount :http: [\s\S]*?--daemon\n[\s\S]*?--daemon\n/m.exec(guide)![0];
        expect(await rig.text(gpu, `mkdir -p /files /shared\n${commands} cat /shared/data; echo by hand >/files/last`)).toBe('shared\n');
        if (!hasDriveMounts(rig.compute)) throw new Error('the driver mounts no drives');
        // What can mount can hang whoever reads its files.
        expect(hasLocalFiles(rig.compute) && (await rig.compute.openRoot(gpu))).toBeNull();
        expect(await rig.compute.unmountDrives(gpu, 30_000)).toBe(true);
        expect(readFileSync(join(server.files, 'last'), 'utf8')).toBe('by hand\n');
      } finally {
        await rig.close();
        await server.stop();
        await fixture.dispose();
      }
    }, 60_000);
  });

  describe('an image with drives, on an engine that gives no FUSE', () => {
    it('is Ready, and says that nothing is mounted', async () => {
      const fixture = await fixtureWithDrives(false);
      const rig = await ComputeRig.open(fixture);
      try {
        const gpu = await rig.rent({ env: { KGPU_API_BASE: 'http://127.0.0.1:1', KGPU_API_TOKEN: 'kgpu_x' } });
        expect((await rig.compute.status(gpu)).warning).toMatch(/\/files and \/shared are not mounted.* no FUSE/);
        expect(await rig.text(gpu, 'ls -d /files /shared 2>&1; grep CapEff /proc/self/status')).toMatch(/files: No such[^]*00000000000404eb/);
      } finally {
        await rig.close();
        await fixture.dispose();
      }
    }, 60_000);
  });
} else {
  describe.skip(`drives: Docker (${missing})`, () => it('are not tested here', () => {}));
}
