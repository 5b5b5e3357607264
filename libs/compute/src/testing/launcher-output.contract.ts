import { createHash, randomBytes } from 'node:crypto';
import { hasLocalFiles } from '../compute.ts';
import { startOrFollow } from '../launcher/start-or-follow.ts';
import type { RunSpec } from '../launcher/start-or-follow.ts';
import type { ComputeRig } from './compute-fixture.ts';
import { sh } from './run-recorder.ts';
import type { RunRecorder } from './run-recorder.ts';
import { until } from './until.ts';

const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');
/** Numbered lines, 20 bytes each, as every shell can count. */
const lines = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => `${String(from + index).padStart(19, '0')}\n`).join('');
const count = (to: number, pause = '') => sh(`awk 'BEGIN { for (i = 0; i < ${to}; i++) { printf "%019d\\n", i; ${pause} } }'`);

interface Suite {
  promises(title: string, check: () => Promise<void>): void;
  run(command: readonly string[], change?: Partial<RunSpec>): RunRecorder;
  rig(): ComputeRig;
  gpu(): string;
  followers(runId: string): Promise<string>;
}

/** What the launcher promises of the output of runs: every byte, once, at its offset. */
export function launcherOutputContract({ promises, run, rig, gpu, followers }: Suite): void {
  const { describe, expect } = globalThis as unknown as typeof import('@jest/globals');

  describe('output', () => {
    promises('comes byte for byte, also what looks like a trailer', async () => {
      const bytes = Buffer.concat([randomBytes(60_000), Buffer.from('\x1e'), Buffer.from(`\x1e${'0'.repeat(32)} exit 0\n`), Buffer.from([0, 255, 0x1e])]);
      const recorder = run(sh('printf %s "$1" | base64 -d | tee /dev/stderr', bytes.toString('base64')));
      await recorder.toTheEnd();
      expect(recorder.bytes('stdout').equals(bytes)).toBe(true);
      expect(recorder.bytes('stderr').equals(bytes)).toBe(true);
    });

    promises('goes past the engine where files can be read from here, and only there', async () => {
      const { compute } = rig();
      const offsets: (string | undefined)[] = [];
      const watched = new Proxy(compute, {
        get(target, name) {
          const value: unknown = Reflect.get(target, name, target);
          if (typeof value !== 'function') return value;
          return (...args: unknown[]): unknown => {
            if (name === 'exec') offsets.push((args[1] as string[])[7]);
            return value.apply(target, args);
          };
        },
      });
      const root = hasLocalFiles(compute) ? await compute.openRoot(gpu()) : null;
      await root?.close();
      const recorder = run(sh('echo out; echo err >&2'));
      await startOrFollow(watched, gpu(), 'start', recorder.spec, recorder.offsets, { onOutput: (stream, offset, bytes) => recorder.take(stream, offset, bytes) });
      expect([recorder.stdout, recorder.stderr]).toEqual(['out\n', 'err\n']);
      expect(offsets).toEqual([root === null ? '0' : '-0']);
    });

    promises('stays when a program opens /dev/stdout or /dev/stderr anew', async () => {
      const recorder = run(sh('echo 1; echo 2 >/dev/stdout; echo 3; echo a >&2; echo b >/dev/stderr; echo c >&2'));
      await recorder.toTheEnd();
      expect([recorder.stdout, recorder.stderr]).toEqual(['1\n2\n3\n', 'a\nb\nc\n']);
    });

    promises('comes while the command runs', async () => {
      const recorder = run(sh('echo first; sleep 1000'));
      const abort = new AbortController();
      const ended = recorder.once('start', { signal: abort.signal });
      await until('the first line has come', () => recorder.stdout === 'first\n', 5_000);
      abort.abort();
      expect((await ended).outcome).toBe('cut');
    });

    promises('is whole though the host lets go and comes back all the time', async () => {
      const recorder = run(count(300_000));
      for (let mode: 'start' | 'attach' = 'start'; ; mode = 'attach') {
        const abort = new AbortController();
        let bytes = 0;
        const end = await recorder.once(mode, {
          signal: abort.signal,
          onOutput: (stream, offset, chunk) => {
            recorder.take(stream, offset, chunk);
            if ((bytes += chunk.length) > 500_000) abort.abort();
          },
        });
        if (end.outcome !== 'cut') break;
      }
      expect(recorder.sessions).toBeGreaterThan(5);
      expect(sha256(recorder.bytes('stdout'))).toBe(sha256(Buffer.from(lines(0, 300_000))));
    });

    promises('is whole though followers are killed inside of the container', async () => {
      const recorder = run(count(100_000, 'if (i % 500 == 0) { fflush(); system("sleep 0.01") }'));
      const ended = recorder.toTheEnd();
      for (let kills = 0; kills < 5; kills++) {
        const before = recorder.sessions;
        const folder = `\${KGPU_RUNS:-/tmp/kgpu/runs}/${recorder.spec.runId}`;
        await until('it has begun', async () => (await rig().text(gpu(), `cat "${folder}/io" 2>/dev/null`)) !== '');
        // not the supervisor and the pumps, nor their children
        const victims = `read -r sup _ <"${folder}/sup"; read -r out err <"${folder}/io"; for p in ${(await followers(recorder.spec.runId)).split('\n').join(' ')}; do
          read -r line <"/proc/$p/stat" || continue; set -- \${line##*") "}; case " $sup $out $err " in *" $p "* | *" $2 "*) ;; *) kill -9 "$p" ;; esac; done 2>/dev/null`;
        await rig().text(gpu(), victims);
        await until('it follows again', () => recorder.sessions > before || recorder.offsets.stdout === 2_000_000);
      }
      expect(await ended).toMatchObject({ outcome: 'exited', exitCode: 0 });
      expect(recorder.sessions).toBeGreaterThan(1);
      expect(sha256(recorder.bytes('stdout'))).toBe(sha256(Buffer.from(lines(0, 100_000))));
      expect(recorder.stderr).toBe(''); // shells say "Killed" of their children
    });

    promises('that nobody takes does not hold the command back', async () => {
      const recorder = run(count(200_000));
      const taken = Promise.withResolvers<void>();
      const ended = recorder.once('start', {
        onOutput: async (stream, offset, bytes) => {
          await taken.promise;
          recorder.take(stream, offset, bytes);
        },
      });
      const other = run(['true']);
      await until('the command has ended', async () => (await rig().text(gpu(), `cat "\${KGPU_RUNS:-/tmp/kgpu/runs}/${recorder.spec.runId}/exit"`)).startsWith('X 0'));
      await other.toTheEnd();
      taken.resolve();
      const end = await ended;
      expect(end.outcome).toBe('exited');
      expect(recorder.offsets.stdout).toBe(4_000_000);
    });

    promises('beyond the cap loses its oldest bytes, and the offsets of the others stay true', async () => {
      const recorder = run(count(300_000), { outputCapBytes: 2_097_152 });
      const abort = new AbortController();
      await recorder.once('start', { signal: abort.signal, onStarted: () => abort.abort() });
      const disk = async () => Number(await rig().text(gpu(), `cat "\${KGPU_RUNS:-/tmp/kgpu/runs}/${recorder.spec.runId}"/std* | wc -c`));
      await until('the command has ended', async () => (await rig().text(gpu(), `cat "\${KGPU_RUNS:-/tmp/kgpu/runs}/${recorder.spec.runId}/exit"`)).startsWith('X 0'));
      expect(await disk()).toBeLessThanOrEqual(2_097_152);
      recorder.offsets.stdout = 0;
      const seen: { offset: number; bytes: Buffer }[] = [];
      const end = await recorder.once('attach', { onOutput: (_stream, offset, bytes) => void seen.push({ offset, bytes: Buffer.from(bytes) }) });
      expect(end).toMatchObject({ outcome: 'exited', exitCode: 0 });
      const before = recorder.truncatedBefore.stdout;
      expect(before).toBeGreaterThan(3_500_000);
      expect(seen[0]!.offset).toBe(before);
      expect(Buffer.concat(seen.map(({ bytes }) => bytes)).toString()).toBe(lines(0, 300_000).slice(before));
    });

    promises('that somebody deletes in the container is lost, and the end of the run is told all the same', async () => {
      const deleteOutput = (recorder: RunRecorder) => rig().text(gpu(), `rm -f "\${KGPU_RUNS:-/tmp/kgpu/runs}/${recorder.spec.runId}/std"*`);
      const followed = run(sh('echo one; sleep 0.5; echo two; exit 5'));
      const ended = followed.toTheEnd();
      await until('it has begun', () => followed.stdout === 'one\n');
      await deleteOutput(followed);
      expect(await ended).toMatchObject({ outcome: 'exited', exitCode: 5, outputLost: false });
      expect(followed.stdout).toBe('one\ntwo\n');

      const left = run(sh('echo one; exit 5'));
      const abort = new AbortController();
      await left.once('start', { signal: abort.signal, onStarted: () => abort.abort() });
      await deleteOutput(left);
      expect(await left.toTheEnd('attach')).toMatchObject({ outcome: 'exited', exitCode: 5, outputLost: true });
    });

    promises('is not confused by segments that somebody forges', async () => {
      const folder = (recorder: RunRecorder) => `cd "\${KGPU_RUNS:-/tmp/kgpu/runs}/${recorder.spec.runId}"`;
      const forge = 'for name in 1999999999999999 1x 08 k_zero 0000000000000001; do echo forged >"stdout.$name"; done';
      const untilTold = 'until [ -e /tmp/go-$KGPU_RUN_ID ]; do sleep 0.05; done';
      const go = (recorder: RunRecorder) => rig().text(gpu(), `touch /tmp/go-${recorder.spec.runId}`);
      const followed = run(sh(`echo one; ${untilTold}; echo two; exit 5`));
      const ended = followed.toTheEnd();
      await until('it has begun', () => followed.stdout === 'one\n');
      await rig().text(gpu(), `${folder(followed)} && ${forge}`);
      await go(followed);
      expect(await ended).toMatchObject({ outcome: 'exited', exitCode: 5 });
      expect(followed.stdout).toBe('one\ntwo\n');

      const left = run(sh(`echo one; ${untilTold}; echo two; exit 5`));
      const abort = new AbortController();
      await left.once('start', { signal: abort.signal, onStarted: () => abort.abort() });
      await rig().text(gpu(), `${folder(left)} && ${forge}`);
      await go(left);
      expect(await left.toTheEnd('attach')).toMatchObject({ outcome: 'exited', exitCode: 5 });
      expect(left.stdout).toBe('one\ntwo\n');
    });

    promises('that is dropped while a slow reader is behind is told as a gap', async () => {
      const recorder = run(count(400_000), { outputCapBytes: 2_097_152 });
      const all = Buffer.from(lines(0, 400_000));
      const first = Promise.withResolvers<void>();
      const check = (offset: number, bytes: Buffer) => expect(bytes.equals(all.subarray(offset, offset + bytes.length))).toBe(true);
      const ended = recorder.once('start', {
        onOutput: async (stream, offset, bytes) => {
          check(offset, bytes);
          await first.promise;
          recorder.take(stream, offset, bytes);
        },
      });
      await until('the command has ended', async () => (await rig().text(gpu(), `cat "\${KGPU_RUNS:-/tmp/kgpu/runs}/${recorder.spec.runId}/exit"`)).startsWith('X 0'));
      first.resolve();
      if ((await ended).outcome === 'cut') await recorder.toTheEnd('attach');
      expect(recorder.offsets.stdout).toBe(8_000_000);
      expect(recorder.truncatedBefore.stdout).toBeGreaterThan(0);
      expect(all.subarray(-recorder.bytes('stdout').length + 0).subarray(-65_536).equals(recorder.bytes('stdout').subarray(-65_536))).toBe(true);
    });
  });
}
