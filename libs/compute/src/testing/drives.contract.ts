import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { hasDriveMounts } from '../compute.ts';
import type { DriveMounts } from '../compute.ts';
import type { ComputeOptions } from '../open-compute.ts';
import { ComputeRig } from './compute-fixture.ts';
import type { ComputeFixture } from './compute-fixture.ts';
import { DriveServer } from './drive-server.ts';
import { until } from './until.ts';

/** What every driver promises of drives, with real mounts. The fixture's image has the drive programs, and its network reaches 127.0.0.1. */
export function drivesContract(name: string, setup: () => Promise<ComputeFixture>): void {
  const { afterAll, afterEach, beforeAll, describe, expect, it } = globalThis as unknown as typeof import('@jest/globals');
  describe(`drives: ${name}`, () => {
    let fixture: ComputeFixture;
    let rig: ComputeRig;
    let server: DriveServer;

    beforeAll(async () => {
      fixture = await setup();
      rig = await ComputeRig.open(fixture);
      server = await DriveServer.start();
    }, 120_000);
    afterEach(() => {
      server.down = false;
      server.held = Promise.resolve();
    });
    afterAll(async () => {
      await rig?.close();
      await server?.stop();
      await fixture?.dispose();
    }, 60_000);

    const rent = (env = server.env) => rig.rent({ env });
    const unmount = (gpuId: string, deadlineMs = 30_000) => {
      if (!hasDriveMounts(rig.compute)) throw new Error('the driver mounts no drives');
      return rig.compute.unmountDrives(gpuId, deadlineMs);
    };
    const stored = (path: string) => readFileSync(join(server.files, path), 'utf8');

    it('are there when a rental is Ready: /files to read and write, /shared to read', async () => {
      mkdirSync(join(server.shared, 'lab/data sets'), { recursive: true });
      writeFileSync(join(server.shared, 'lab/data sets/ä.txt'), 'shared\n');
      writeFileSync(join(server.files, 'old'), 'old\n');
      const gpu = await rent();
      expect((await rig.compute.status(gpu)).warning ?? '').not.toMatch(/mount/);
      expect(await rig.text(gpu, 'cat /files/old "/shared/lab/data sets/ä.txt"; touch /shared/x 2>&1 | grep -o Read-only')).toBe('old\nshared\nRead-only\n');
      const work = 'cd /files; mkdir -p a/b; echo 1 >a/b/c; mv a/b/c a/d; echo 2 >>a/d; cp a/d "with # ? %+ü"; rm old; cat a/d';
      expect(await rig.text(gpu, work)).toBe('1\n2\n');
      await until('it is stored', () => existsSync(join(server.files, 'with # ? %+ü')) && existsSync(join(server.files, 'a/d')) && stored('a/d') === '1\n2\n');
      await rig.text(gpu, 'mv /files/a /files/z');
      expect(stored('z/d')).toBe('1\n2\n');
      expect(existsSync(join(server.files, 'old'))).toBe(false);
    }, 60_000);

    it('have everything that was closed just before they are unmounted', async () => {
      const gpu = await rent();
      const bytes = randomBytes(5_000_000);
      await rig.output(gpu, ['/bin/sh', '-c', 'cat >/files/big; : >/files/empty; mkdir /files/deep; echo x >/files/deep/x'], bytes);
      expect(await unmount(gpu)).toBe(true);
      expect(readFileSync(join(server.files, 'big')).equals(bytes)).toBe(true);
      expect([stored('empty'), stored('deep/x')]).toEqual(['', 'x\n']);
      expect(await unmount(gpu)).toBe(true);
      await rig.compute.destroy(gpu);
      expect(await unmount(gpu)).toBe(true);
      expect(await fixture.leftovers(gpu)).toEqual([]);
    }, 60_000);

    it('have what a program had written that was left behind with the file open', async () => {
      const gpu = await rent();
      await rig.output(gpu, ['/bin/sh', '-c', '(setsid sh -c "exec 3>/files/open; echo some >&3; : >/tmp/begun; sleep 1000" >/dev/null 2>&1 </dev/null &)']);
      await until('it has begun', async () => (await rig.text(gpu, 'ls /tmp/begun')) !== '');
      expect(await unmount(gpu)).toBe(true);
      expect(stored('open')).toBe('some\n');
      await rig.compute.destroy(gpu);
    }, 60_000);

    it('that stay away keep nobody: at the deadline it is given up, and the rental can be destroyed', async () => {
      const gpu = await rent();
      server.down = true;
      await rig.text(gpu, 'echo lost >/files/lost');
      expect(await unmount(gpu, 1_000)).toBe(false);
      await rig.compute.destroy(gpu);
      expect(await fixture.leftovers(gpu)).toEqual([]);
    }, 60_000);

    it('are unmounted as well by another process, when the one that was at it is killed', async () => {
      const gpu = await rent();
      const release = Promise.withResolvers<void>();
      server.held = release.promise;
      await rig.text(gpu, 'echo kept >/files/kept');
      const first = unmounter(fixture.options, gpu);
      await until('it is being uploaded', () => server.asked.some((line) => line === 'PUT /v1/files/kept'));
      first.kill('SIGKILL');
      await once(first, 'exit');
      release.resolve();
      expect(await unmount(gpu)).toBe(true);
      expect(stored('kept')).toBe('kept\n');
      await rig.compute.destroy(gpu);
    }, 60_000);

    it('are uploaded to at once, though rclone had put off its next try', async () => {
      const gpu = await rent();
      server.down = true;
      await rig.text(gpu, 'echo late >/files/late');
      await until('it waits longer and longer', async () => /will retry in/.test(await rig.text(gpu, 'cat /tmp/kgpu/drives/files/log')), 60_000);
      server.down = false;
      expect(await unmount(gpu)).toBe(true);
      expect(stored('late')).toBe('late\n');
      await rig.compute.destroy(gpu);
    }, 120_000);

    it('do not keep a rental from starting when they do not answer, and it says so', async () => {
      const gpu = await rent({ ...server.env, KGPU_API_TOKEN: 'kgpu_wrong' });
      const { warning } = await rig.compute.status(gpu);
      expect(warning).toMatch(/\/files is mounted, but the drive does not answer: .*401/);
      expect(warning).not.toContain('kgpu_wrong');
      expect(await rig.text(gpu, 'echo works; cat /files/x >/dev/null 2>&1 || echo fails')).toBe('works\nfails\n');
      await rig.compute.destroy(gpu);
    }, 60_000);

    it('come again when their rclone is killed, with what it had not uploaded', async () => {
      const gpu = await rent();
      await rig.text(gpu, 'echo survives >/files/survives');
      const kill = 'for p in /proc/[0-9]*; do case $(tr "\\0" " " <$p/cmdline) in "rclone mount :webdav:"*) kill -9 ${p#/proc/} && echo killed ;; esac; done 2>/dev/null';
      expect(await rig.text(gpu, kill)).toBe('killed\n');
      expect(existsSync(join(server.files, 'survives'))).toBe(false);
      await until('it is stored', () => existsSync(join(server.files, 'survives')) && stored('survives') === 'survives\n', 30_000);
      await until('it is seen in the new mount', async () => (await rig.text(gpu, 'cat /files/survives')) === 'survives\n', 30_000);
      expect(await rig.text(gpu, 'echo more >>/files/survives; cat /files/survives')).toBe('survives\nmore\n');
    }, 60_000);
  });
}

/** Another process that unmounts the drives of a rental. */
function unmounter(options: ComputeOptions, gpuId: string) {
  const method: keyof DriveMounts = 'unmountDrives';
  const program = `
    import { openCompute } from ${JSON.stringify(new URL('../index.js', import.meta.url).href)};
    const compute = await openCompute(${JSON.stringify(options)});
    await compute.${method}(${JSON.stringify(gpuId)}, 60_000);`;
  return spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: ['ignore', 'ignore', 'inherit'] });
}
