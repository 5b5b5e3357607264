import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { killRun } from './launcher/kill-run.ts';
import { findByVariable } from './process/kernel-process.ts';
import { ComputeRig } from './testing/compute-fixture.ts';
import type { ComputeFixture } from './testing/compute-fixture.ts';
import { bubblewrapMissing, processFixture } from './testing/process-fixture.ts';
import { RunRecorder, sh } from './testing/run-recorder.ts';
import { until } from './testing/until.ts';

const missing = await bubblewrapMissing();
const inSandbox = missing === null ? it : it.skip;

describe('a rental of the process driver', () => {
  let fixture: ComputeFixture;
  let rig: ComputeRig;

  beforeAll(async () => {
    fixture = await processFixture(missing === null ? 'bubblewrap' : 'none');
    rig = await ComputeRig.open(fixture);
  }, 60_000);
  afterAll(async () => {
    await rig?.close();
    await fixture?.dispose();
  }, 60_000);

  inSandbox('sees its own folders and the programs of the machine, not the files of people', async () => {
    const gpu = await rig.rent();
    expect((await rig.text(gpu, 'ls /')).trim().split('\n').filter((name) => !name.startsWith('lib'))).toEqual(
      ['bin', 'dev', 'etc', 'files', 'proc', 'root', 'run', 'sbin', 'shared', 'tmp', 'usr', 'var', 'workspace'].filter((name) => name !== 'sbin' || existsSync('/sbin')));
    expect(await rig.text(gpu, 'id -u; pwd; echo x >/workspace/x && cat /workspace/x; touch /usr/x 2>/dev/null || echo read-only; ls /tmp')).toBe('0\n/workspace\nx\nread-only\nkgpu\n');
    expect(await rig.text(gpu, `ls ${fixture.options.dataDir} 2>/dev/null`)).toBe('');
  });

  inSandbox('has no rights and sees no process but its own', async () => {
    const gpu = await rig.rent();
    expect(await rig.text(gpu, 'grep -E "CapEff|CapBnd|NoNewPrivs" /proc/self/status')).toMatch(/CapEff:\s0+\nCapBnd:\s0+\nNoNewPrivs:\s1\n/);
    expect((await rig.text(gpu, 'ls /proc | grep -c "^[0-9]"')).trim().length).toBe(1);
  });

  inSandbox('cannot put its loader into the programs that guard it', async () => {
    const gpu = await rig.rent({ env: { LD_PRELOAD: '/tmp/mine.so', KGPU_API_TOKEN: 'kgpu_secret' } });
    expect(await rig.text(gpu, 'echo $LD_PRELOAD')).toBe('/tmp/mine.so\n');
    const outside = findByVariable('LD_PRELOAD', '/tmp/mine.so').filter(({ pid }) => !/^NSpid:.*\t.*\t/m.test(readFileSync(`/proc/${pid}/status`, 'utf8')));
    expect(outside).toEqual([]);
  });

  it('is found again though its maker was killed before it could record the process', async () => {
    const gpu = await rig.rent();
    await rig.text(gpu, 'echo mine >mark');
    rmSync(join(fixture.options.dataDir, 'rentals', gpu, 'process.json'));
    expect(await rig.compute.status(gpu)).toMatchObject({ state: 'ready' });
    await rig.compute.create(rig.spec({ gpuId: gpu }));
    expect(await rig.text(gpu, 'cat mark')).toBe('mine\n');
  });

  it('keeps its token out of what every user of the machine may read', async () => {
    const gpu = await rig.rent({ env: { KGPU_API_TOKEN: 'kgpu_a_secret_of_this_test' } });
    const session = await rig.compute.exec(gpu, ['sleep', '1000']);
    expect(execFileSync('ps', ['-eo', 'args'], { encoding: 'utf8' })).not.toContain('kgpu_a_secret_of_this_test');
    expect(execFileSync('find', [join(fixture.options.dataDir, 'rentals'), '-name', 'spec.json', '-perm', '/077'], { encoding: 'utf8' })).toBe('');
    session.close();
  });

  it('is Ready once kgpu-bootstrap says so, and could not be started when that fails', async () => {
    const plain = await ComputeRig.open(await processFixture('none'));
    const programs = mkdtempSync(join(tmpdir(), 'kgpu-bootstrap-'));
    const bootstrap = (text: string) => writeFileSync(join(programs, 'kgpu-bootstrap'), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
    const env = { PATH: `${programs}:${process.env['PATH']}` };
    bootstrap(`while [ ! -e ${programs}/go ]; do sleep 0.02; done; : >"$KGPU_READY_FILE"; while :; do sleep 1; done`);
    const spec = plain.spec({ env });
    await plain.compute.create(spec);
    expect(await plain.compute.status(spec.gpuId)).toMatchObject({ state: 'starting', message: expect.stringContaining('bootstrap') });
    writeFileSync(join(programs, 'go'), '');
    await plain.becomes(spec.gpuId, 'ready');
    bootstrap('echo no such drive >&2; exit 9');
    const failing = plain.spec({ env });
    await plain.compute.create(failing);
    await plain.becomes(failing.gpuId, 'start_failed');
    expect((await plain.compute.status(failing.gpuId)).message).toMatch(/no such drive\n.*9/s);
    await plain.close();
    await plain.fixture.dispose();
    rmSync(programs, { recursive: true });
  });

  it('takes no more for a run than a shell, mkdir, cat, rm and sleep', async () => {
    const plain = await ComputeRig.open(await processFixture('none'));
    const programs = mkdtempSync(join(tmpdir(), 'kgpu-few-'));
    for (const name of ['mkdir', 'cat', 'rm', 'sleep']) symlinkSync(execFileSync('sh', ['-c', `command -v ${name}`], { encoding: 'utf8' }).trim(), join(programs, name));
    const gpu = await plain.rent({ env: { PATH: programs } });
    const short = new RunRecorder(plain, gpu, sh('echo out; echo err >&2; exit 3'));
    expect(await short.toTheEnd()).toMatchObject({ outcome: 'exited', exitCode: 3 });
    expect([short.stdout, short.stderr]).toEqual(['out\n', 'err\n']);
    const long = new RunRecorder(plain, gpu, sh('echo begun; trap "" TERM; while :; do sleep 0.1; done'));
    const ended = long.toTheEnd();
    await until('it has begun', () => long.stdout === 'begun\n');
    expect(await killRun(plain.compute, gpu, long.spec.runId, 'TERM', 1)).toBe('kill');
    expect(await ended).toMatchObject({ outcome: 'exited', signal: 'SIGKILL' });
    await plain.close();
    await plain.fixture.dispose();
    rmSync(programs, { recursive: true });
  }, 60_000);

  it('survives a full disk: the command ends, its end is recorded, and the loss is told', async () => {
    const disk = mkdtempSync(join(tmpdir(), 'kgpu-full-'));
    if (!mounted(disk)) return rmSync(disk, { recursive: true });
    const small = await ComputeRig.open(await processFixture('none', join(disk, 'data')));
    try {
      mkdirSync(join(disk, 'data'), { recursive: true });
      const gpu = await small.rent();
      const full = new RunRecorder(small, gpu, sh('dd if=/dev/zero bs=64k count=300 2>/dev/null; exit 5'));
      expect(await full.toTheEnd()).toMatchObject({ outcome: 'exited', exitCode: 5, outputLost: true });
      const next = await new RunRecorder(small, gpu, ['true']).once('start');
      expect(next).toMatchObject({ outcome: 'not_started', why: 'start_failed' });
      await until('it can be destroyed', async () => (await small.compute.destroy(gpu), true));
    } finally {
      await small.close();
      execFileSync('umount', ['-l', disk]);
      rmSync(disk, { recursive: true });
    }
  }, 60_000);
});

/** Only root may mount. */
function mounted(folder: string): boolean {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', folder], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
