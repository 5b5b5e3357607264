import { readFileSync, rmSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import Docker from 'dockerode';
import { hasLocalFiles, hasOwnNetwork } from './compute.ts';
import { engineAddress } from './docker/engine-http.ts';
import { EngineError } from './exec-queue.ts';
import { killRun } from './launcher/kill-run.ts';
import { openCompute } from './open-compute.ts';
import { ComputeRig } from './testing/compute-fixture.ts';
import type { ComputeFixture } from './testing/compute-fixture.ts';
import { dockerFixture } from './testing/docker-fixture.ts';
import { importTestImage } from './testing/import-test-image.ts';
import { RunRecorder, sh } from './testing/run-recorder.ts';
import { startDockerEngine } from './testing/start-docker-engine.ts';
import { until } from './testing/until.ts';

const engine = await startDockerEngine();
const suite = engine.dockerHost === null ? describe.skip : describe;

suite(`a rental in Docker${engine.dockerHost === null ? ` (${engine.reason})` : ''}`, () => {
  let fixture: ComputeFixture;
  let rig: ComputeRig;
  let docker: Docker;
  const container = (gpuId: string) => docker.getContainer(`kgpu-${fixture.options.installId}-${gpuId}`);

  beforeAll(async () => {
    fixture = await dockerFixture(engine.dockerHost!);
    rig = await ComputeRig.open(fixture);
    docker = new Docker(engineAddress(engine.dockerHost!));
  }, 60_000);
  afterAll(async () => {
    await rig?.close();
    await fixture?.dispose();
    if (engine.dockerHost !== null) await engine.stop();
  }, 60_000);

  it('has no more rights than a program needs', async () => {
    const gpu = await rig.rent();
    const status = await rig.text(gpu, 'cat /proc/self/status');
    expect(status).toMatch(/NoNewPrivs:\s*1/);
    expect(parseInt(/CapEff:\s*(\w+)/.exec(status)![1]!, 16)).toBe(0b0000_0100_0000_0100_1110_1011); // chown … sys_chroot
    const { HostConfig, Config } = await container(gpu).inspect();
    expect(HostConfig).toMatchObject({ Init: true, PidsLimit: 16_384, RestartPolicy: { Name: 'no' } });
    expect(Config.Labels).toMatchObject({ 'kgpu.install': fixture.options.installId, 'kgpu.gpu': gpu, 'kgpu.user': '1' });
  }, 60_000);

  it('is made once, with its shell, when two make it at the same time, as where the order of a killed process is still under way', async () => {
    const options = { ...fixture.options, network: 'none' };
    const makers = [await openCompute(options), await openCompute(options)];
    for (let round = 0; round < 6; round++) {
      const spec = rig.spec();
      await Promise.all(makers.map(async (compute) => {
        await until('it is ready', async () => {
          if ((await compute.status(spec.gpuId)).state === 'absent') await compute.create(spec);
          return (await compute.status(spec.gpuId)).state === 'ready';
        });
      }));
      expect((await container(spec.gpuId).inspect()).Config.Labels).toMatchObject({ 'kgpu.main': 'init' });
      await rig.compute.destroy(spec.gpuId);
    }
    for (const maker of makers) await maker.close();
  }, 120_000);

  it('is read past the engine where we are root on its machine', async () => {
    const gpu = await rig.rent();
    const root = hasLocalFiles(rig.compute) ? await rig.compute.openRoot(gpu) : null;
    await root?.close();
    expect(root !== null).toBe(process.getuid?.() === 0);
    await container(gpu).stop({ t: 0 });
    expect(hasLocalFiles(rig.compute) && (await rig.compute.openRoot(gpu))).toBeNull();
  }, 60_000);

  it('cannot lead us out of it by links in the place of what a run wrote', async () => {
    const gpu = await rig.rent();
    await new RunRecorder(rig, gpu, ['true']).toTheEnd();
    await rig.text(gpu, 'mv /tmp/kgpu /tmp/moved && ln -s /tmp/moved /tmp/kgpu');
    const linked = new RunRecorder(rig, gpu, sh('echo out; echo err >&2; exit 4'));
    expect(await linked.toTheEnd()).toMatchObject({ outcome: 'exited', exitCode: 4, outputLost: false });
    expect([linked.stdout, linked.stderr]).toEqual(['out\n', 'err\n']);
    await rig.text(gpu, 'rm /tmp/kgpu && mv /tmp/moved /tmp/kgpu');
    const replaced = new RunRecorder(rig, gpu, sh('cd /tmp/kgpu/runs/$KGPU_RUN_ID; rm stdout.*; ln -s /etc/passwd stdout.1000000000000000; echo more; sleep 0.2'));
    expect((await replaced.toTheEnd()).outcome).toBe('exited');
    expect(replaced.stdout).not.toContain(readFileSync('/etc/passwd', 'utf8').slice(0, 40));
  }, 60_000);

  it('is Ready once kgpu-bootstrap says so, and not before', async () => {
    const bootstrap = '#!/bin/sh\nwhile [ ! -e /tmp/go ]; do sleep 0.05; done; : >"$KGPU_READY_FILE"; while :; do sleep 1; done\n';
    await importTestImage(engine.dockerHost!, ['kgpu-test-bootstrap:1'], { scripts: { '/usr/local/bin/kgpu-bootstrap': bootstrap } });
    const spec = rig.spec({ image: 'kgpu-test-bootstrap:1' });
    await rig.compute.create(spec);
    await until('the bootstrap is at work', async () => (await rig.compute.status(spec.gpuId)).message?.includes('bootstrap'));
    await rig.text(spec.gpuId, ': >/tmp/go');
    await rig.becomes(spec.gpuId, 'ready');
  }, 60_000);

  it('whose kgpu-bootstrap fails could not be started, and tells its last words', async () => {
    await importTestImage(engine.dockerHost!, ['kgpu-test-failing:1'], { scripts: { '/usr/local/bin/kgpu-bootstrap': '#!/bin/sh\necho no such drive >&2\nexit 9\n' } });
    const spec = rig.spec({ image: 'kgpu-test-failing:1' });
    await rig.compute.create(spec);
    await rig.becomes(spec.gpuId, 'start_failed');
    expect((await rig.compute.status(spec.gpuId)).message).toMatch(/9.*no such drive/s);
  }, 60_000);

  it('works as the user that the image names', async () => {
    await importTestImage(engine.dockerHost!, ['kgpu-test-user:1'], { changes: ['USER 1000', 'WORKDIR /workspace'] });
    const gpu = await rig.rent({ image: 'kgpu-test-user:1' });
    const recorder = new RunRecorder(rig, gpu, sh('id -u; pwd; echo e >/dev/stderr'));
    expect(await recorder.toTheEnd()).toMatchObject({ outcome: 'exited', exitCode: 0 });
    expect([recorder.stdout, recorder.stderr]).toEqual(['1000\n/workspace\n', 'e\n']);
  }, 60_000);

  it('that is frozen hangs nobody, and can be destroyed', async () => {
    const gpu = await rig.rent();
    const recorder = new RunRecorder(rig, gpu, ['sleep', '1000']);
    const abort = new AbortController();
    const following = recorder.once('start', { signal: abort.signal });
    await until('it has begun', () => recorder.starts.length > 0);
    await container(gpu).pause();
    expect((await recorder.once('attach')).outcome).toBe('cut');
    await expect(killRun(rig.compute, gpu, recorder.spec.runId, 'TERM', 1)).rejects.toThrow(EngineError);
    await rig.compute.destroy(gpu);
    expect((await following).outcome).toBe('cut');
    expect(await fixture.leftovers(gpu)).toEqual([]);
  }, 60_000);

  it('tells a command that was killed for lack of memory', async () => {
    const gpu = await rig.rent();
    await container(gpu).update({ Memory: 67_108_864, MemorySwap: 67_108_864 });
    const recorder = new RunRecorder(rig, gpu, ['dd', 'if=/dev/zero', 'of=/dev/null', 'bs=300M', 'count=1']);
    expect(await recorder.toTheEnd()).toMatchObject({ outcome: 'exited', exitCode: 137, outOfMemory: true });
    expect(await new RunRecorder(rig, gpu, sh('kill -9 $$')).toTheEnd()).toMatchObject({ exitCode: 137, outOfMemory: false });
  }, 60_000);

  it('keeps no connection to the engine once it is started', async () => {
    const connections = () => process.getActiveResourcesInfo().filter((kind) => /^(Pipe|TCPSocket)Wrap$/.test(kind)).length;
    const before = connections();
    for (const _ of [1, 2, 3]) await rig.rent();
    await until('all have been let go', () => connections() <= before);
  }, 60_000);

  it('finds its machine under host.docker.internal', async () => {
    const gpu = await rig.rent();
    const server = http.createServer((_request, response) => response.end('here')).listen(0, '0.0.0.0');
    await until('it listens', () => server.listening);
    expect(await rig.text(gpu, `wget -qO- http://host.docker.internal:${(server.address() as AddressInfo).port}/`)).toBe('here');
    server.close();
  }, 60_000);

  it('starts also when somebody has pruned the networks that nothing used', async () => {
    const options = { ...fixture.options, installId: `${fixture.options.installId}-pruned` };
    const network = docker.getNetwork(`kgpu-${options.installId}`);
    const other = await ComputeRig.open({ ...fixture, options });
    await other.compute.destroy(await other.rent());
    await network.remove();
    await other.rent();
    const { compute } = other;
    if (!hasOwnNetwork(compute)) throw new Error('the docker driver has a network of its own');
    await compute.removeNetwork();
    expect(await network.inspect()).toMatchObject({ Driver: 'bridge' });
    await other.close();
    await compute.removeNetwork();
    await expect(network.inspect()).rejects.toMatchObject({ statusCode: 404 });
  }, 60_000);

  it('gets no network where its driver is told so', async () => {
    const other = await ComputeRig.open({ ...fixture, options: { ...fixture.options, network: 'none' } });
    const gpu = await other.rent();
    expect(await other.compute.status(gpu)).toMatchObject({ warning: expect.stringContaining('no network') });
    expect(await other.text(gpu, 'ls /sys/class/net')).toBe('lo\n');
    await other.close();
  }, 60_000);

  it('could not be started when its image breaks off while it is pulled', async () => {
    const registry = http.createServer(brokenRegistry).listen(0, '127.0.0.1');
    await until('it listens', () => registry.listening);
    const host = `127.0.0.1:${(registry.address() as AddressInfo).port}`;
    for (const [image, words] of [[`${host}/missing:1`, /manifest|not found/i], [`${host}/broken:1`, /blob|digest|unknown|EOF|not found/i], ['NOT A NAME', /not the name/]] as const) {
      const spec = rig.spec({ image });
      await rig.compute.create(spec);
      await rig.becomes(spec.gpuId, 'start_failed');
      expect((await rig.compute.status(spec.gpuId)).message).toMatch(words);
      await rig.compute.destroy(spec.gpuId);
    }
    registry.close();
  }, 60_000);

  it('that is returned while its image is pulled is gone at once', async () => {
    const registry = http.createServer(() => {}).listen(0, '127.0.0.1'); // never answers
    await until('it listens', () => registry.listening);
    const spec = rig.spec({ image: `127.0.0.1:${(registry.address() as AddressInfo).port}/slow:1` });
    await rig.compute.create(spec);
    await until('it is pulling', async () => (await rig.compute.status(spec.gpuId)).message?.startsWith('pulling'));
    await rig.compute.destroy(spec.gpuId);
    expect((await rig.compute.status(spec.gpuId)).state).toBe('absent');
    registry.closeAllConnections();
    registry.close();
  }, 60_000);
});

/** Has a manifest for `broken:1`, but not what it names: the pull begins with status 200 and fails later. */
function brokenRegistry(request: http.IncomingMessage, response: http.ServerResponse): void {
  const digest = `sha256:${'a'.repeat(64)}`;
  const manifest = JSON.stringify({
    schemaVersion: 2, mediaType: 'application/vnd.docker.distribution.manifest.v2+json',
    config: { mediaType: 'application/vnd.docker.container.image.v1+json', size: 10, digest },
    layers: [{ mediaType: 'application/vnd.docker.image.rootfs.diff.tar.gzip', size: 10, digest: `sha256:${'b'.repeat(64)}` }],
  });
  if (request.url === '/v2/') response.end('{}');
  else if (request.url === '/v2/broken/manifests/1') response.writeHead(200, { 'Content-Type': 'application/vnd.docker.distribution.manifest.v2+json' }).end(manifest);
  else response.writeHead(404, { 'Content-Type': 'application/json' }).end('{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]}');
}

suite('an engine that goes away', () => {
  it('cuts the runs, and says so to whoever asks', async () => {
    const own = await startDockerEngine();
    if (own.dockerHost === null || process.env['DOCKER_HOST']) return; // the engine of others is not ours to stop
    const fixture = await dockerFixture(own.dockerHost);
    const rig = await ComputeRig.open({ ...fixture, options: { ...fixture.options, network: 'none' } }); // a bridge would outlive its engine
    const recorder = new RunRecorder(rig, await rig.rent(), ['sleep', '1000']);
    const following = recorder.once('start');
    await until('it has begun', () => recorder.starts.length > 0);
    await own.stop();
    expect((await following).outcome).toBe('cut');
    await expect(rig.compute.status(recorder.gpuId)).rejects.toThrow(EngineError);
    await expect(rig.compute.create(rig.spec())).rejects.toThrow(EngineError);
    await expect(rig.compute.destroy(recorder.gpuId)).rejects.toThrow(EngineError);
    expect(await rig.compute.nodes()).toMatchObject([{ ready: false }]);
    await expect(openCompute(fixture.options)).rejects.toThrow(EngineError);
    await rig.compute.close();
    rmSync(fixture.options.dataDir, { recursive: true });
  }, 60_000);
});
