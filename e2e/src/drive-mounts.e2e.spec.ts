import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { bubblewrapMissing, buildDriveImage, DriveServer, drivesProblem, startDockerEngine } from '@kgpu/compute/testing';
import { until } from '@kgpu/runtime/testing';
import { FrontDoor } from './front-door.ts';
import { startOn, startSystem, type System } from './system.ts';

const missing = (await bubblewrapMissing()) ?? drivesProblem();
const engine = await startDockerEngine();
const dockerMissing = engine.dockerHost === null ? engine.reason : drivesProblem();
const noRoutes = await whyNoFiles();

const rented = async ({ admin }: System, image = 'any:1') => (await admin.post('/v1/gpus', { image, wait_seconds: 60 })).body;
const run = async ({ admin }: System, gpu_id: string, script: string) =>
  (await admin.post('/v1/runs', { gpu_id, command: ['sh', '-c', script], wait_seconds: 60 })).body;
const ended = ({ admin }: System, gpuId: string) =>
  until(async () => (await admin.get(`/v1/gpus/${gpuId}?wait_seconds=5`)).body['phase'] === 'Ended', 60_000);

/** Why the drives of this build can't be tested over HTTP; asked of a running system, so that this runs as soon as there is something to run against. */
async function whyNoFiles(): Promise<string | null> {
  const system = await startSystem();
  try {
    const headers = { authorization: `Bearer ${system.adminToken}`, depth: '1' };
    const { status } = await fetch(`${system.url}/v1/files/`, { method: 'PROPFIND', headers, signal: AbortSignal.timeout(30_000) });
    return status === 404 || status === 405 ? `the gateway has no WebDAV: PROPFIND /v1/files/ answers ${status}` : null;
  } finally {
    await system.remove();
  }
}

/** The journey of the guide's "Folders inside a rented GPU". */
function folders(name: string, reason: string | null, prepare: () => Promise<{ settings: Record<string, string>; image: string }>): void {
  (reason === null ? describe : describe.skip)(`folders inside a rental: ${name}${reason === null ? '' : ` (${reason})`}`, () => {
    let system: System;
    let settings: Record<string, string>;
    let image: string;
    beforeAll(async () => {
      ({ settings, image } = await prepare());
      system = await startSystem({ ...settings, KGPU_MOUNT_DRIVES: '1' });
    }, 120_000);
    afterAll(() => system?.remove(), 60_000);

    const stored = async (path: string) => {
      const headers = { authorization: `Bearer ${system.adminToken}` };
      const response = await fetch(`${system.url}/v1/files/${path}`, { headers, signal: AbortSignal.timeout(30_000) });
      return Buffer.from(await response.arrayBuffer());
    };
    const put = (path: string, body: Uint8Array<ArrayBuffer>) =>
      fetch(`${system.url}${path}`, { method: 'PUT', body, headers: { authorization: `Bearer ${system.adminToken}` }, signal: AbortSignal.timeout(30_000) });

    it('has the drive of its renter at /files, and those of their orgs at /shared', async () => {
      expect((await system.admin.post('/v1/admin/orgs', { slug: 'vitallab', name: 'Vital Lab', owner_user_id: 1 })).status).toBe(201);
      const [own, common] = [randomBytes(100_000), randomBytes(200_000)];
      expect((await put('/v1/files/in/own%20data', own)).ok).toBe(true);
      expect((await put('/v1/shared/vitallab/datasets/ecg.zip', common)).ok).toBe(true);
      const rental = await rented(system, image);
      expect(rental).toMatchObject({ phase: 'Ready' });
      expect(rental.message ?? '').not.toMatch(/mount/);
      const script = 'cat "/files/in/own data" /shared/vitallab/datasets/ecg.zip >/files/both && ls /files/shared && { touch /shared/vitallab/x 2>/dev/null || echo read-only; }';
      expect(await run(system, rental.gpu_id, script)).toMatchObject({ exit_code: 0, stdout: 'vitallab\nread-only\n' });
      await until(async () => (await stored('both')).equals(Buffer.concat([own, common])), 30_000);
      await system.admin.delete(`/v1/gpus/${rental.gpu_id}`);
      await ended(system, rental.gpu_id);
    }, 180_000);

    it('loses nothing that was written before the return; its token reaches the drive until then and nothing afterwards', async () => {
      const { gpu_id } = await rented(system, image);
      const { stdout } = await run(system, gpu_id, 'head -c 3000000 /dev/urandom >/tmp/out; cp /tmp/out /files/last; md5sum </tmp/out | cut -c1-32; echo $KGPU_API_TOKEN');
      const [md5, token] = stdout.split('\n');
      await system.admin.delete(`/v1/gpus/${gpu_id}`);
      expect((await system.admin.as(token).get('/v1/runs')).status).toBe(401);
      await ended(system, gpu_id);
      expect(createHash('md5').update(await stored('last')).digest('hex')).toBe(md5);
      await until(async () => (await system.admin.as(token).get('/v1/files')).status === 401);
    }, 180_000);

    it('loses nothing, though the whole system is killed while it uploads', async () => {
      const { gpu_id } = await rented(system, image);
      await run(system, gpu_id, 'echo kept >/files/kept');
      await system.admin.delete(`/v1/gpus/${gpu_id}`);
      await system.stop('SIGKILL');
      system = await startOn(system.folder, { ...settings, KGPU_MOUNT_DRIVES: '1', KGPU_PORT: new URL(system.url).port });
      await ended(system, gpu_id);
      expect((await stored('kept')).toString()).toBe('kept\n');
    }, 180_000);
  });
}

folders('process', missing ?? noRoutes, async () => ({ settings: {}, image: 'any:1' }));
folders('docker', dockerMissing ?? noRoutes, async () => {
  const { image } = await buildDriveImage(engine.dockerHost!);
  return { settings: { KGPU_COMPUTE: 'docker', DOCKER_HOST: engine.dockerHost! }, image };
});
afterAll(async () => {
  if (engine.dockerHost !== null) await engine.stop();
});

(missing === null ? describe : describe.skip)(`the take-down of a rental with drives${missing === null ? '' : ` (${missing})`}`, () => {
  let drives: DriveServer;
  let system: System | undefined;
  beforeEach(async () => {
    drives = await DriveServer.start();
    drives.accepts = (token) => token.startsWith('kgpu_');
  });
  afterEach(async () => {
    await system?.remove();
    await drives.stop();
  }, 60_000);

  /** One whose rentals are told that the API is where the drives are. */
  async function start(folder: string | null, settings: Record<string, string> = {}): Promise<System> {
    const port = String(await freePort());
    const all = { KGPU_MOUNT_DRIVES: '1', KGPU_API_BASE: drives.base, KGPU_PORT: port, ...settings };
    const started = await (folder === null ? startSystem(all) : startOn(folder, all));
    return Object.assign(started, { admin: new FrontDoor(`http://127.0.0.1:${port}`, started.adminToken) });
  }

  it('goes on where kill -9 of every service cut it off, and frees the hardware when all is uploaded', async () => {
    system = await start(null);
    const { gpu_id } = await rented(system);
    const release = Promise.withResolvers<void>();
    drives.held = release.promise;
    await run(system, gpu_id, 'echo kept >/files/kept');
    expect((await system.admin.delete(`/v1/gpus/${gpu_id}`)).body).toMatchObject({ phase: 'Ending', end_reason: 'returned' });
    await until(() => drives.asked.includes('PUT /v1/files/kept'), 30_000);
    await system.stop('SIGKILL');
    system = await start(system.folder);
    expect((await system.admin.get(`/v1/gpus/${gpu_id}`)).body).toMatchObject({ phase: 'Ending' });
    release.resolve();
    await ended(system, gpu_id);
    expect(readFileSync(join(drives.files, 'kept'), 'utf8')).toBe('kept\n');
    expect(readdirSync(join(system.folder, 'rentals'))).toEqual([]);
  }, 120_000);

  it('is not kept up by a drive that stays away for longer than the grace', async () => {
    system = await start(null, { KGPU_FLUSH_GRACE: '1s' });
    const { gpu_id } = await rented(system);
    drives.down = true;
    await run(system, gpu_id, 'echo lost >/files/lost');
    await system.admin.delete(`/v1/gpus/${gpu_id}`);
    await ended(system, gpu_id);
    expect(system.printed().stderr).toContain('could not be uploaded to its drives in time');
  }, 120_000);
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}
