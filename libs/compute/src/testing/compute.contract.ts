import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { ContainerGone, hasDiskUsage, hasLocalFiles, hasDriveMounts } from '../compute.ts';
import { openFileInside, openFolderInside } from '../open-inside.ts';
import { openCompute } from '../open-compute.ts';
import { ComputeRig } from './compute-fixture.ts';
import type { ComputeFixture, Skips } from './compute-fixture.ts';
import { until } from './until.ts';

const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');

/** What every driver promises, asked of real containers or processes. */
export function computeContract(name: string, setup: () => Promise<ComputeFixture>, skips: Skips = {}): void {
  const { afterAll, beforeAll, describe, expect, it } = globalThis as unknown as typeof import('@jest/globals');
  describe(`compute: ${name}`, () => {
    let fixture: ComputeFixture;
    let rig: ComputeRig;
    let gpu: string;

    beforeAll(async () => {
      fixture = await setup();
      rig = await ComputeRig.open(fixture);
      gpu = await rig.rent();
    }, 60_000);
    afterAll(async () => {
      await rig?.close();
      await fixture?.dispose();
    }, 60_000);

    const promises = (title: string, check: () => Promise<void>) => {
      const reason = skips[title];
      if (reason === undefined) it(title, check, 60_000);
      else it.skip(`${title} (${reason})`, check);
    };

    describe('containers', () => {
      promises('tells its nodes and their slots', async () => {
        const [node] = await rig.compute.nodes();
        expect(node).toEqual({ name: expect.any(String), gpu_model: expect.any(String), gpu_total: fixture.options.slots, ready: true });
        expect(rig.compute.notices.length).toBeGreaterThan(0);
      });

      promises('makes a container once, however often it is asked', async () => {
        const spec = rig.spec();
        await Promise.all([rig.compute.create(spec), rig.compute.create(spec)]);
        await rig.becomes(spec.gpuId, 'ready');
        await rig.text(spec.gpuId, 'echo mine >mark');
        await rig.compute.create(spec);
        expect(await rig.text(spec.gpuId, 'cat mark')).toBe('mine\n');
        expect((await rig.compute.list()).filter(({ gpuId }) => gpuId === spec.gpuId)).toHaveLength(1);
        await rig.compute.destroy(spec.gpuId);
      });

      promises('lists the containers of its own install, and no others', async () => {
        const other = await openCompute({ ...fixture.options, installId: `${fixture.options.installId}-other`, dataDir: `${fixture.options.dataDir}-other` });
        expect((await rig.compute.list()).map(({ gpuId }) => gpuId)).toContain(gpu);
        expect(await other.list()).toEqual([]);
        expect(await other.status(gpu)).toEqual({ gpuId: gpu, state: 'absent' });
        await other.close();
      });

      promises('knows nothing of what was never made', async () => {
        const { gpuId } = rig.spec();
        expect(await rig.compute.status(gpuId)).toEqual({ gpuId, state: 'absent' });
        await rig.compute.destroy(gpuId);
        await expect(rig.compute.exec(gpuId, ['true'])).rejects.toThrow(ContainerGone);
      });

      promises('tells how much disk a rental has taken', async () => {
        if (!hasDiskUsage(rig.compute)) return;
        await rig.output(gpu, ['/bin/sh', '-c', 'dd if=/dev/zero of=big bs=1M count=20']);
        expect(await rig.compute.diskBytes(gpu)).toBeGreaterThan(20_000_000);
        expect(await rig.compute.diskBytes(rig.spec().gpuId)).toBeNull();
      });

      promises('opens the root folder of a rental where its files are on this machine', async () => {
        if (!hasLocalFiles(rig.compute)) return;
        await rig.text(gpu, 'folder=${KGPU_RUNS:-/tmp/kgpu/runs}; mkdir -p "$folder"; echo mine >"$folder/mark"');
        const root = (await rig.compute.openRoot(gpu))!;
        const folder = await openFolderInside(root, ['tmp', 'kgpu', 'runs']);
        const mark = (await openFileInside(folder, 'mark'))!;
        expect(await mark.readFile('utf8')).toBe('mine\n');
        for (const each of [mark, folder, root]) await each.close();
        expect(await rig.compute.openRoot(rig.spec().gpuId)).toBeNull();
      });

      promises('says why an image does not start, and leaves nothing of it', async () => {
        const spec = rig.spec({ image: fixture.brokenImage! });
        await rig.compute.create(spec);
        await rig.becomes(spec.gpuId, 'start_failed');
        await rig.compute.create(spec);
        expect(await rig.compute.status(spec.gpuId)).toMatchObject({ state: 'start_failed', message: expect.stringMatching(/\w/) });
        expect((await rig.compute.list()).map(({ gpuId }) => gpuId)).toContain(spec.gpuId);
        await rig.compute.destroy(spec.gpuId);
        expect(await rig.compute.status(spec.gpuId)).toEqual({ gpuId: spec.gpuId, state: 'absent' });
        expect(await fixture.leftovers(spec.gpuId)).toEqual([]);
      });

      promises('has nothing to upload where no drive is mounted', async () => {
        if (!hasDriveMounts(rig.compute)) return;
        const gpuId = await rig.rent();
        expect(await rig.compute.unmountDrives(gpuId, 20_000)).toBe(true);
        expect(await rig.compute.unmountDrives(rig.spec().gpuId, 20_000)).toBe(true);
        await rig.compute.destroy(gpuId);
      });

      promises('leaves nothing of a destroyed container, whatever ran in it', async () => {
        const gpuId = await rig.rent();
        await rig.output(gpuId, ['/bin/sh', '-c', 'trap "" TERM HUP; (setsid sleep 1000 >/dev/null 2>&1 </dev/null &) ; mkdir -p a/b; chmod 0 a']);
        expect(await fixture.leftovers(gpuId)).not.toEqual([]);
        await Promise.all([rig.compute.destroy(gpuId), rig.compute.destroy(gpuId)]);
        expect(await fixture.leftovers(gpuId)).toEqual([]);
        expect((await rig.compute.status(gpuId)).state).toBe('absent');
        await expect(rig.compute.exec(gpuId, ['true'])).rejects.toThrow(ContainerGone);
      });

      promises('tells of a main process that ended', async () => {
        const gpuId = await rig.rent();
        await rig.output(gpuId, ['/bin/sh', '-c', 'kill -TERM 1']);
        await rig.becomes(gpuId, 'exited');
        await expect(rig.compute.exec(gpuId, ['true'])).rejects.toThrow(ContainerGone);
      });

      promises('clears away the processes that others left behind', async () => {
        await rig.text(gpu, '(sleep 0.1 & sleep 0.1 &)');
        const zombies = 'for f in /proc/[0-9]*/stat; do read -r line <$f && case ${line##*") "} in Z*) echo $f; esac; done 2>/dev/null';
        await until('no zombie is left', async () => (await rig.text(gpu, zombies)) === '');
      });

      promises('keeps its containers when the process that made them is killed', async () => {
        const spec = rig.spec();
        await killAfter(creator(fixture.options, spec), 'ready');
        await rig.becomes(spec.gpuId, 'ready');
        expect(await rig.text(spec.gpuId, 'echo alive')).toBe('alive\n');
      });

      promises('goes on with a creation that was interrupted at any instant', async () => {
        for (const afterMs of [0, 2, 5, 9, 14, 20, 40, 90]) {
          const spec = rig.spec();
          await killAfter(creator(fixture.options, spec), 'opened', afterMs);
          await until('create is taken', async () => {
            if ((await rig.compute.status(spec.gpuId)).state === 'absent') await rig.compute.create(spec);
            return (await rig.compute.status(spec.gpuId)).state === 'ready';
          });
          expect(await rig.text(spec.gpuId, 'echo $KGPU_GPU_ID')).toBe(`${spec.gpuId}\n`);
          await rig.compute.destroy(spec.gpuId);
          expect(await fixture.leftovers(spec.gpuId)).toEqual([]);
        }
      });
    });

    describe('exec', () => {
      promises('carries bytes as they are, in both directions', async () => {
        const bytes = randomBytes(3_000_000);
        const { stdout, code } = await rig.output(gpu, ['cat'], bytes);
        expect([sha256(stdout), code]).toEqual([sha256(bytes), 0]);
      });

      promises('keeps the two outputs apart and tells the exit code', async () => {
        const { stdout, stderr, code } = await rig.output(gpu, ['/bin/sh', '-c', 'echo out; echo err >&2; exit 255']);
        expect([stdout.toString(), stderr.toString(), code]).toEqual(['out\n', 'err\n', 255]);
      });

      promises('passes arguments untouched', async () => {
        const strange = ['', ' ', 'a b', 'new\nline', '"', "'", '$HOME', '`id`', '\\', '-n', '--', '*', 'ä€😀', '\x1e\x7f', 'x'.repeat(100_000)];
        const many = Array.from({ length: 1_000 }, (_, index) => `${index}`);
        for (const argv of [strange, many]) {
          const { stdout } = await rig.output(gpu, ['/bin/sh', '-c', 'for a in "$@"; do printf "%s\\0" "$a"; done', 'sh', ...argv]);
          expect(stdout.toString().split('\0').slice(0, -1)).toEqual(argv);
        }
      });

      promises('gives the variables of the rental to every command', async () => {
        expect(await rig.text(gpu, 'echo "$KGPU_GPU_ID,$GREETING"')).toBe(`${gpu},good "morning"\n`);
      });

      promises('answers 126 or 127 for a program that does not exist', async () => {
        expect([126, 127]).toContain((await rig.output(gpu, ['no-such-program'])).code);
      });

      promises('ends the command\'s input when stdin ends', async () => {
        const session = await rig.compute.exec(gpu, ['/bin/sh', '-c', 'while read -r line; do echo "got $line"; done; echo end']);
        session.stdin.write('one\n');
        let text = '';
        await session.read({
          stdout: (bytes) => {
            if (text === '') session.stdin.end('two\n');
            text += bytes.toString();
          },
          stderr: () => {},
        });
        expect(text).toBe('got one\ngot two\nend\n');
      });

      promises('holds a command back while its bytes are held, and takes no memory for it', async () => {
        const session = await rig.compute.exec(gpu, ['yes', 'a line that says nothing new']);
        const came = Promise.withResolvers<void>();
        const reading = session.read({
          stdout: () => {
            came.resolve();
            return new Promise(() => {});
          },
          stderr: () => {},
        });
        await came.promise;
        const before = process.memoryUsage();
        await delay(1_000); // the time is the test: what would pile up in it
        const after = process.memoryUsage();
        expect(after.external + after.arrayBuffers - before.external - before.arrayBuffers).toBeLessThan(4_000_000);
        session.close();
        await reading;
      });

      promises('hands out every byte in order, lent until it is let go', async () => {
        const session = await rig.compute.exec(gpu, ['/bin/sh', '-c', 'i=0; while [ $i -lt 20000 ]; do i=$((i+1)); printf "%09d\\n" $i; [ $((i % 1000)) != 0 ] || echo $i >&2; done']);
        const parts: Buffer[] = [];
        let isHeld = false;
        const err: Buffer[] = [];
        await session.read({
          stdout: async (bytes) => {
            expect(isHeld).toBe(false);
            isHeld = true;
            await delay(1);
            parts.push(Buffer.from(bytes)); // still the same after a while
            isHeld = false;
          },
          stderr: (bytes) => void err.push(Buffer.from(bytes)),
        });
        expect(Buffer.concat(parts).toString()).toBe(Array.from({ length: 20_000 }, (_, n) => `${String(n + 1).padStart(9, '0')}\n`).join(''));
        expect(Buffer.concat(err).toString()).toBe(Array.from({ length: 20 }, (_, n) => `${(n + 1) * 1_000}\n`).join(''));
      });

      promises('is closed by a taker that throws, at once or later, and says what it threw', async () => {
        for (const taker of [() => { throw new Error('no more'); }, async () => { throw new Error('no more'); }]) {
          const session = await rig.compute.exec(gpu, ['yes']);
          await expect(session.read({ stdout: taker, stderr: () => {} })).rejects.toThrow('no more');
          expect(await session.exit).toBeNull();
        }
      });

      promises('hands out nothing when it was closed before anybody read', async () => {
        const session = await rig.compute.exec(gpu, ['/bin/sh', '-c', 'echo at once; exec sleep 5']);
        await delay(200); // what would have come by then
        session.close();
        let taken = 0;
        const count = () => void (taken += 1);
        await session.read({ stdout: count, stderr: count });
        expect(taken).toBe(0);
      });

      promises('hands out nothing after it was closed', async () => {
        const session = await rig.compute.exec(gpu, ['yes']);
        let taken = 0;
        let atClose = 0;
        await session.read({
          stdout: async () => {
            taken += 1;
            if (taken < 3) return;
            session.close();
            atClose = taken;
          },
          stderr: () => {},
        });
        await delay(50); // what would come in it
        expect(taken).toBe(atClose);
      });

      promises('settles when it is closed or aborted, though the command lives on', async () => {
        const closed = await rig.compute.exec(gpu, ['sleep', '1000']);
        closed.close();
        closed.close();
        expect(await closed.exit).toBeNull();
        const abort = new AbortController();
        const aborted = await rig.compute.exec(gpu, ['sleep', '1000'], { signal: abort.signal });
        abort.abort();
        expect(await aborted.exit).toBeNull();
      });

      promises('settles when the container is destroyed under it', async () => {
        const gpuId = await rig.rent();
        const session = await rig.compute.exec(gpuId, ['sleep', '1000']);
        const reading = session.read({ stdout: () => {}, stderr: () => {} });
        await rig.compute.destroy(gpuId);
        expect(await session.exit).not.toBe(0);
        await reading;
      });
    });
  });
}

/** Another process that opens the driver and makes a container. */
function creator(options: object, spec: object) {
  const program = `
    import { openCompute } from ${JSON.stringify(new URL('../index.js', import.meta.url).href)};
    const compute = await openCompute(${JSON.stringify(options)});
    const spec = ${JSON.stringify(spec)};
    console.log('opened');
    await compute.create(spec);
    while ((await compute.status(spec.gpuId)).state !== 'ready') await new Promise((resolve) => setTimeout(resolve, 5));
    console.log('ready');
    setInterval(() => {}, 1_000);`;
  return spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
}

async function killAfter(child: ReturnType<typeof creator>, word: string, afterMs = 0): Promise<void> {
  let said = '';
  const ended = once(child, 'exit');
  for await (const chunk of child.stdout) {
    said += String(chunk);
    if (said.includes(word)) break;
  }
  await delay(afterMs);
  child.kill('SIGKILL');
  await ended;
}
