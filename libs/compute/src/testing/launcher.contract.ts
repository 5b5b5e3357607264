import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { Compute } from '../compute.ts';
import { killRun } from '../launcher/kill-run.ts';
import { startOrFollow } from '../launcher/start-or-follow.ts';
import type { RunSpec } from '../launcher/start-or-follow.ts';
import { ComputeRig } from './compute-fixture.ts';
import type { ComputeFixture, Skips } from './compute-fixture.ts';
import { launcherOutputContract } from './launcher-output.contract.ts';
import { RunRecorder, sh } from './run-recorder.ts';
import { until } from './until.ts';

/** What the launcher promises of runs, on whatever driver and shell. `wrap` may put another shell in the place of /bin/sh. */
export function launcherContract(name: string, setup: () => Promise<ComputeFixture>, skips: Skips = {}, wrap?: (compute: Compute) => Compute): void {
  const { afterAll, beforeAll, describe, expect, it } = globalThis as unknown as typeof import('@jest/globals');
  describe(`launcher: ${name}`, () => {
    let fixture: ComputeFixture;
    let rig: ComputeRig;
    let gpu: string;

    beforeAll(async () => {
      fixture = await setup();
      rig = await ComputeRig.open(fixture, wrap);
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
    const run = (command: readonly string[], change: Partial<RunSpec> = {}) => new RunRecorder(rig, gpu, command, change);
    /** Processes of the launcher that are there now, by the run's id in their arguments. */
    const followers = (runId: string) => rig.text(gpu, `for d in /proc/[0-9]*; do tr '\\0' ' ' <$d/cmdline 2>/dev/null | grep -q 'kgpu-run [a-z]* ${runId.slice(0, -1)}[${runId.slice(-1)}]' && echo \${d#/proc/}; done`);
    /** Those of them that are neither the supervisor and the pumps nor children of these. */
    const strayFollowers = async (runId: string) => rig.text(gpu, `cd "\${KGPU_RUNS:-/tmp/kgpu/runs}/${runId}" && read -r sup _ <sup && read -r out err <io || exit
      for p in ${(await followers(runId)).split('\n').join(' ')}; do
        read -r line <"/proc/$p/stat" || continue; set -- \${line##*") "}; case " $sup $out $err " in *" $p "* | *" $2 "*) ;; *) echo "$p" ;; esac; done 2>/dev/null`);
    const runFile = (runId: string, file: string) => rig.text(gpu, `cat "\${KGPU_RUNS:-/tmp/kgpu/runs}/${runId}/${file}"`);

    describe('start', () => {
      promises('tells output, exit code, process and times of a command', async () => {
        const recorder = run(sh('echo out; echo err >&2; sleep 0.3; exit 3'));
        const end = await recorder.toTheEnd();
        expect([recorder.stdout, recorder.stderr]).toEqual(['out\n', 'err\n']);
        expect(end).toMatchObject({ outcome: 'exited', exitCode: 3, signal: null, outOfMemory: false, outputLost: false });
        expect(recorder.starts).toEqual([{ pid: expect.any(Number), startedAt: expect.any(Date) }]);
        expect(recorder.starts[0]!.pid).toBeGreaterThan(1);
      });

      promises('takes arguments, variables and folder untouched', async () => {
        const strange = ['', 'a b', 'new\nline', '"\'', '$HOME `id` \\', '--', '*', 'ä€😀', '\x1e', 'x'.repeat(100_000)];
        const names = ['A', 'D', 'ID', 'IFS', 'N', 'P', 'T', 'U', 'i', 'k_dir', 'k_id', 'n', '_x'];
        const env = Object.fromEntries(names.map((variable) => [variable, `v "${variable}"\n'`]));
        const recorder = run(sh('pwd; printf "%s\\0" "$KGPU_RUN_ID" "$GREETING" "$@"; env -0 2>/dev/null || env', ...strange), { env, cwd: '/usr/bin' });
        await recorder.toTheEnd();
        expect(recorder.stdout.startsWith(`/usr/bin\n${[recorder.spec.runId, 'good "morning"', ...strange].join('\0')}\0`)).toBe(true);
        for (const variable of names.filter((each) => each !== 'IFS')) expect(recorder.stdout).toContain(`${variable}=v "${variable}"\n'`);
        expect(recorder.stdout).not.toMatch(/k_(nonce|out|pid|segment)=/);
      });

      promises('shows no variable in the arguments of a process', async () => {
        const recorder = run(sh('echo "$SECRET"; sleep 1000'), { env: { SECRET: 'q7\nw3' } });
        const ended = recorder.toTheEnd();
        await until('it has begun', () => recorder.stdout === 'q7\nw3\n');
        const shown = await rig.text(gpu, "cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' ' '");
        expect(shown).toContain(recorder.spec.runId);
        expect(shown).not.toContain('w3');
        await killRun(rig.compute, gpu, recorder.spec.runId, 'SIGTERM', 5);
        await ended;
      });

      promises('deletes the output of spent runs, and none of them begins again', async () => {
        const spent = await Promise.all(Array.from({ length: 2 }, async () => {
          const recorder = run(sh('head -c 3000000 /dev/zero; echo err >&2'), { outputCapBytes: 2_097_152 });
          await recorder.toTheEnd();
          return recorder;
        }));
        const kept = run(sh('echo kept'));
        await kept.toTheEnd();
        const outputOf = ({ spec }: RunRecorder) => rig.text(gpu, `cd "\${KGPU_RUNS:-/tmp/kgpu/runs}/${spec.runId}" && cat std* 2>/dev/null | wc -c`);
        expect(Number(await outputOf(spent[0]!))).toBeGreaterThan(500_000);
        const next = run(sh('echo next'), { spent: [...spent.map(({ spec }) => spec.runId), 'run-1-260101000000-none'] });
        expect(await next.toTheEnd()).toMatchObject({ outcome: 'exited', exitCode: 0 });
        expect(next.stdout).toBe('next\n');
        expect(await Promise.all([...spent, kept, next].map(async (each) => Number(await outputOf(each))))).toEqual([0, 0, 5, 5]);
        const again = new RunRecorder(rig, gpu, spent[0]!.spec.command, spent[0]!.spec);
        expect(await again.once('start')).toMatchObject({ outcome: 'exited', exitCode: 0, outputLost: true });
        expect(again.stdout).toBe('');
      });

      promises('takes variables that shells keep for themselves, and says nothing of it', async () => {
        const names = ['UID', 'EUID', 'PPID', 'GROUPS', 'RANDOM', 'SECONDS', 'LINENO', 'OPTIND', 'SHELLOPTS', 'BASHOPTS', 'BASH_VERSINFO', 'PLAIN'];
        const env = Object.fromEntries(names.map((variable) => [variable, `v ${variable}`]));
        const recorder = run(['env'], { env });
        expect(await recorder.toTheEnd()).toMatchObject({ outcome: 'exited', exitCode: 0 });
        const lines = recorder.stdout.split('\n');
        expect(names.filter((variable) => !lines.includes(`${variable}=v ${variable}`))).toEqual([]);
        expect(recorder.stderr).toBe('');
        const strange = ['a b', '', 'new\nline', '*', 'x'.repeat(1_000)];
        const echoing = run(sh('printf "%s\\0" "$@"', ...strange), { env: { UID: '5' } });
        await echoing.toTheEnd();
        expect(echoing.stdout).toBe(`${strange.join('\0')}\0`);
        expect(await run(['no-such-program'], { env: { UID: '5' } }).toTheEnd()).toMatchObject({ exitCode: 127 });
      });

      promises('takes a thousand arguments', async () => {
        const recorder = run(sh('echo $#', ...Array.from({ length: 1_000 }, () => 'x'.repeat(100))));
        await recorder.toTheEnd();
        expect(recorder.stdout).toBe('1000\n');
      });

      promises('says 127 and which program there is not, 126 and which folder', async () => {
        const program = run(['no-such-program', 'x']);
        expect(await program.toTheEnd()).toMatchObject({ outcome: 'exited', exitCode: 127 });
        expect(program.stderr).toContain('no-such-program');
        for (const cwd of ['/no/such/folder', 'no-such-folder', '-']) {
          const folder = run(['pwd'], { cwd });
          expect(await folder.toTheEnd()).toMatchObject({ outcome: 'exited', exitCode: 126 });
          expect([folder.stdout, folder.stderr]).toEqual(['', expect.stringContaining(`folder ${cwd}\n`)]);
        }
      });

      promises('says what Linux does not take: an argument of 128 KiB, 4 MB of them', async () => {
        expect(await run(['true', 'x'.repeat(131_072)]).once('start')).toMatchObject({ outcome: 'not_started', exitCode: 126 });
        const many = await run(['true', ...Array.from({ length: 40 }, () => 'x'.repeat(100_000))]).once('start');
        expect(many).toMatchObject({ outcome: 'not_started', why: 'start_failed', exitCode: 126, message: expect.stringContaining('longer') });
      });

      promises('starts a run once, and a second start only follows', async () => {
        const first = run(sh('echo $$; sleep 0.4'));
        const second = new RunRecorder(rig, gpu, first.spec.command, first.spec);
        await Promise.all([first.toTheEnd(), second.toTheEnd()]);
        const third = new RunRecorder(rig, gpu, first.spec.command, first.spec);
        await third.toTheEnd();
        expect(first.stdout).toMatch(/^\d+\n$/);
        expect([second.stdout, third.stdout]).toEqual([first.stdout, first.stdout]);
      });

      promises('fifty starts at once all succeed', async () => {
        const ends = await Promise.all(Array.from({ length: 50 }, (_, index) => run(sh(`exit ${index}`)).toTheEnd()));
        expect(ends.map((end) => (end.outcome === 'exited' ? end.exitCode : end))).toEqual(Array.from({ length: 50 }, (_, index) => index));
      });

      promises('names the signal that ended a command', async () => {
        for (const signal of ['KILL', 'TERM', 'SEGV']) {
          const recorder = run(sh(`kill -${signal} $$`));
          expect(await recorder.toTheEnd()).toMatchObject({ outcome: 'exited', signal: `SIG${signal}` });
          expect(recorder.stderr).toBe(''); // what the launcher's own shell says of it is not the command's
        }
      });

      promises('leaves SIGINT and SIGQUIT as they are by default', async () => {
        const recorder = run(['grep', 'SigIgn', '/proc/self/status']);
        await recorder.toTheEnd();
        expect(BigInt(`0x${recorder.stdout.trim().split('\t')[1]!}`) & 0x7fffn).toBe(0n); // signals 1 to 15
      });

      promises('an image without a shell is told from a program that is not there', async () => {
        const bare = await rig.rent({ image: fixture.imageWithoutShell! });
        expect(await new RunRecorder(rig, bare, ['x']).once('start')).toMatchObject({ outcome: 'not_started', why: 'image_without_shell' });
      });
    });

    describe('end', () => {
      promises('a child left behind that holds the output open does not hold up the end', async () => {
        const recorder = run(sh('sleep 30 & echo done'));
        const begun = performance.now();
        expect(await recorder.toTheEnd()).toMatchObject({ outcome: 'exited', exitCode: 0 });
        expect(performance.now() - begun).toBeLessThan(5_000);
        expect(recorder.stdout).toBe('done\n');
      });

      promises('a command that closes its output runs to its own end', async () => {
        const recorder = run(sh('echo last; exec >&- 2>&-; sleep 0.5; exit 4'));
        expect(await recorder.toTheEnd()).toMatchObject({ outcome: 'exited', exitCode: 4, elapsedSeconds: expect.any(Number) });
        expect(recorder.stdout).toBe('last\n');
      });

      promises('is known, to a tenth of a second, to whoever asks later', async () => {
        const stamped = 'read -r a _ </proc/uptime; sleep 1; read -r b _ </proc/uptime; echo "$a $b"; exit 9';
        const recorders = Array.from({ length: 4 }, () => run(sh(stamped)));
        await Promise.all(recorders.map(async (recorder) => {
          const abort = new AbortController();
          expect((await recorder.once('start', { signal: abort.signal, onStarted: () => abort.abort() })).outcome).toBe('cut');
        }));
        await delay(2_500); // nobody looks meanwhile: that is the test
        const bootMs = Date.now() - Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0]) * 1_000;
        const errors = await Promise.all(recorders.map(async (recorder) => {
          const end = await recorder.toTheEnd('attach');
          if (end.outcome !== 'exited') throw new Error(end.outcome);
          expect(end.exitCode).toBe(9);
          const [begun = NaN, ended = NaN] = recorder.stdout.split(' ').map(Number);
          return { elapsed: end.elapsedSeconds - (ended - begun), end: (end.endedAt.getTime() - bootMs) / 1_000 - ended };
        }));
        for (const error of [errors.map(({ elapsed }) => elapsed), errors.map(({ end }) => end)]) {
          // a busy machine can only make the launcher late, and not each time
          expect(Math.min(...error)).toBeGreaterThan(-0.1);
          expect(Math.min(...error)).toBeLessThan(0.1);
          expect(Math.max(...error)).toBeLessThan(1);
        }
      });

      promises('costs one exec from its start to its end, however long nothing comes', async () => {
        let execs = 0;
        const counting = new Proxy(rig.compute, {
          get: (target, property) => (property !== 'exec' ? Reflect.get(target, property, target) : (...args: Parameters<Compute['exec']>) => {
            execs += 1;
            return target.exec(...args);
          }),
        });
        const recorder = run(sh('echo a; sleep 1.5; echo b'));
        await startOrFollow(counting, gpu, 'start', recorder.spec, recorder.offsets, { onOutput: (stream, offset, bytes) => recorder.take(stream, offset, bytes) });
        expect([recorder.stdout, execs]).toEqual(['a\nb\n', 1]);
      });

      promises('leaves no follower behind when the host goes', async () => {
        const recorder = run(['sleep', '1000']);
        const abort = new AbortController();
        const followed = recorder.once('start', { signal: abort.signal });
        await until('it has begun', () => recorder.starts.length > 0);
        expect(await strayFollowers(recorder.spec.runId)).not.toBe('');
        abort.abort();
        await followed;
        await until('the follower has left', async () => (await strayFollowers(recorder.spec.runId)) === '');
        expect(await killRun(rig.compute, gpu, recorder.spec.runId, 'KILL', 1)).toBe('term');
      });

      promises('leaves no process of the launcher behind', async () => {
        const recorder = run(['true']);
        await recorder.toTheEnd();
        await until('the launcher has left', async () => (await followers(recorder.spec.runId)) === '');
      });

      promises('a command whose supervisor was killed is lost, its output complete', async () => {
        const recorder = run(sh('echo one; sleep 3; echo two'));
        const ended = recorder.toTheEnd();
        await until('it has begun', () => recorder.stdout !== '');
        const [supervisor] = (await runFile(recorder.spec.runId, 'sup')).split(' ');
        await rig.text(gpu, `kill -9 ${supervisor}`);
        expect(await ended).toEqual({ outcome: 'lost', why: 'supervisor_killed' });
        expect(recorder.stdout).toBe('one\ntwo\n');
      });

      promises('a command that deletes the record of its run at once is lost, and not begun again', async () => {
        const counted = await rig.text(gpu, 'mktemp');
        const recorders = Array.from({ length: 5 }, () => run(sh(`echo begun >>${counted.trim()}; rm -rf "\${TMPDIR:-/tmp}/kgpu/runs/$KGPU_RUN_ID"`)));
        for (const end of await Promise.all(recorders.map((recorder) => recorder.toTheEnd()))) expect(end.outcome).toBe('lost');
        expect(await rig.text(gpu, `cat ${counted}`)).toBe('begun\n'.repeat(5));
      });

      promises('a run that the container never heard of is lost, and so is one of a container that is gone', async () => {
        expect(await run(['true']).once('attach')).toEqual({ outcome: 'lost', why: 'no_record' });
        const gone = new RunRecorder(rig, rig.spec().gpuId, ['true']);
        expect(await gone.once('start')).toEqual({ outcome: 'lost', why: 'container_gone' });
      });

      promises('a container destroyed under a run ends the session', async () => {
        const gpuId = await rig.rent();
        const recorder = new RunRecorder(rig, gpuId, ['sleep', '1000']);
        const ended = recorder.toTheEnd();
        await until('it has begun', () => recorder.starts.length > 0);
        await rig.compute.destroy(gpuId);
        expect(await ended).toEqual({ outcome: 'lost', why: 'container_gone' });
      });
    });

    describe('kill', () => {
      const kill = (recorder: RunRecorder, graceSeconds = 5) => killRun(rig.compute, gpu, recorder.spec.runId, 'SIGTERM', graceSeconds);
      const began = (recorder: RunRecorder) => until('it has begun', () => recorder.stdout !== '');

      promises('ends a command and its children by SIGTERM', async () => {
        const recorder = run(sh('echo begun; sleep 1000 & wait'));
        const ended = recorder.toTheEnd();
        await began(recorder);
        expect(await kill(recorder)).toBe('term');
        expect(await ended).toMatchObject({ outcome: 'exited', exitCode: 143, signal: 'SIGTERM' });
      });

      promises('kills what ignores SIGTERM, with the daemons it made', async () => {
        const seconds = 100_000 + Math.floor(Math.random() * 900_000); // others on this machine may run the same test
        const recorder = run(sh(`trap "" TERM; (setsid sleep ${seconds} >/dev/null 2>&1 </dev/null &); echo begun; while :; do sleep 0.1; done`));
        const ended = recorder.toTheEnd();
        await began(recorder);
        expect(await kill(recorder, 1)).toBe('kill');
        expect(await ended).toMatchObject({ outcome: 'exited', exitCode: 137, signal: 'SIGKILL' });
        expect(await rig.text(gpu, `for d in /proc/[0-9]*; do tr "\\0" " " <$d/cmdline 2>/dev/null; echo; done | grep "^sleep ${seconds}"`)).toBe('');
      });

      promises('lets a command finish that handles the signal', async () => {
        const recorder = run(sh('trap "echo saved; exit 0" TERM; echo begun; while :; do sleep 0.1; done'));
        const ended = recorder.toTheEnd();
        await began(recorder);
        expect(await kill(recorder)).toBe('term');
        expect(await ended).toMatchObject({ outcome: 'exited', exitCode: 0 });
        expect(recorder.stdout).toBe('begun\nsaved\n');
      });

      promises('never meets a stranger that got the pid of a command that is over', async () => {
        const recorder = run(sh('echo begun; exec sleep 1000'));
        const ended = recorder.toTheEnd();
        await began(recorder);
        const [pid, since] = (await runFile(recorder.spec.runId, 'pid')).split(' ');
        const folder = `"\${KGPU_RUNS:-/tmp/kgpu/runs}/${recorder.spec.runId}"`;
        await rig.text(gpu, `echo "${pid} 1 0" >${folder}/pid`);
        expect(await kill(recorder)).toBe('gone');
        expect(await rig.text(gpu, `kill -0 ${pid} && echo lives`)).toBe('lives\n');
        await rig.text(gpu, `echo "${pid} ${since} 0" >${folder}/pid`);
        expect(await kill(recorder)).toBe('term');
        expect(await ended).toMatchObject({ outcome: 'exited', signal: 'SIGTERM' });
      });

      promises('of a run that has ended, or never began, or whose container is gone, says so', async () => {
        const recorder = run(['true']);
        expect(await kill(recorder)).toBe('nostart');
        await recorder.toTheEnd();
        expect(await kill(recorder)).toBe('gone');
        expect(await killRun(rig.compute, rig.spec().gpuId, 'run-1', 'TERM', 1)).toBe('gone');
      });
    });

    launcherOutputContract({ promises, run, rig: () => rig, gpu: () => gpu, followers });
  });
}
