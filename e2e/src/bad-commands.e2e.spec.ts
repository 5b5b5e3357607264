import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { until } from '@kgpu/runtime/testing';
import { startSystem, type System } from './system.ts';

const CAP = 16 * 1_048_576;
const PART = 200_000;
const LINES = 10 * PART;

describe('a command that behaves badly', () => {
  let system: System;
  let gpuId: string;
  beforeAll(async () => {
    system = await startSystem({ KGPU_STOP_GRACE: '1s', KGPU_OUTPUT_CAP_BYTES: String(CAP) });
    gpuId = (await system.admin.post('/v1/gpus', { image: 'any', wait_seconds: 30 })).body['gpu_id'];
  });
  afterAll(() => system.remove());

  const start = (command: string[], more: object = {}) => system.admin.post('/v1/runs', { gpu_id: gpuId, command, wait_seconds: 30, ...more });
  const run = async (command: string[], more: object = {}) => (await start(command, more)).body;
  const sh = (script: string, more: object = {}) => run(['sh', '-c', script], more);

  it('is told which program or folder there is not', async () => {
    expect(await run(['no-such-program'])).toMatchObject({ phase: 'Failed', exit_code: 127, reason: null, message: 'no-such-program: no such program', stderr: 'kgpu: no-such-program: no such program\n' });
    expect(await run(['pwd'], { cwd: '/no/such' })).toMatchObject({ phase: 'Failed', exit_code: 126, message: 'cannot change to the folder /no/such' });
    expect(await run(['/etc/passwd'])).toMatchObject({ phase: 'Failed', exit_code: 126, message: expect.stringContaining('Permission denied') });
    expect(await run(['two\nlines'])).toMatchObject({ exit_code: 127, message: 'two\nlines: no such program' });
  });

  it('gets its arguments as they are, up to what Linux takes, and is told what it does not take', async () => {
    const strange = ['new\nline', '"', "'", '$HOME', '`id`', '\\', '', ' ', '--', '€😀'];
    expect(await run(['printf', '%s|', ...strange])).toMatchObject({ stdout: strange.map((argument) => `${argument}|`).join('') });
    expect(await sh('echo $#', {})).toMatchObject({ stdout: '0\n' });
    expect(await run(['sh', '-c', 'echo $# ${#1}', 'sh', 'x'.repeat(131_071), ...Array<string>(995).fill('y')])).toMatchObject({ stdout: '996 131071\n' });
    expect(await run(['true', 'x'.repeat(131_072)])).toMatchObject({ phase: 'Failed', exit_code: 126, reason: 'start_failed', message: expect.stringContaining('131071') });
  });

  it.each<[string, string[], object, string]>([
    ['a NUL in an argument', ['echo', 'a\0b'], {}, '/body/command/1'],
    ['a NUL in a variable', ['true'], { env: { A: '\0' } }, '/body/env/A'],
    ['a variable whose name is none', ['true'], { env: { '1A': 'x' } }, '/body/env/1A'],
    ['a variable without a name', ['true'], { env: { '': 'x' } }, '/body/env/'],
    ['no program', [''], {}, '/body/command'],
    ['1,001 arguments', Array<string>(1_001).fill('x'), {}, '/body/command'],
    ['an argument far over 128 KiB', ['true', 'x'.repeat(131_073)], {}, '/body/command/1'],
    ['more than an event can hold', ['true', ...Array<string>(8).fill('\x01'.repeat(50_000))], {}, '/body/command'],
    ['variables beyond that', ['true'], { env: Object.fromEntries(Array.from({ length: 200 }, (_, n) => [`V${n}`, 'x'.repeat(9_000)])) }, '/body/command'],
    ['a timeout of nothing', ['true'], { timeout_seconds: 0 }, '/body/timeout_seconds'],
  ])('is refused with %s', async (_, command, more, pointer) => {
    expect(await start(command, more)).toMatchObject({ status: 422, body: { code: 'invalid_request', errors: [{ pointer }] } });
  });

  it('closes its output, leaves daemons, kills whom it can: its end is told all the same', async () => {
    expect(await sh('echo last; exec >&- 2>&-; sleep 0.3; exit 4')).toMatchObject({ exit_code: 4, stdout: 'last\n' });
    expect(await sh('(setsid sleep 300 >/dev/null 2>&1 </dev/null &); setsid sleep 301 & echo begun')).toMatchObject({ phase: 'Succeeded', stdout: 'begun\n' });
    expect(await sh('kill -9 $PPID; sleep 0.2; echo still here')).toMatchObject({ phase: 'Failed', exit_code: null, reason: 'lost', stdout: 'still here\n' });
    const forgetful = await sh('until [ -e /tmp/forget ]; do sleep 0.05; done; rm -rf /tmp/kgpu; echo gone', { wait_seconds: 0 });
    await until(async () => (await system.admin.get(`/v1/runs/${forgetful.run_id}`)).body['pid'] !== null);
    await run(['touch', '/tmp/forget']);
    expect((await system.admin.get(`/v1/runs/${forgetful.run_id}?wait_seconds=20`)).body).toMatchObject({ phase: 'Failed', reason: 'lost', stdout: 'gone\n' });
    expect(await sh('kill -SEGV $$')).toMatchObject({ exit_code: 139, signal: 'SIGSEGV', reason: null });
    expect(await run(['cat'])).toMatchObject({ phase: 'Succeeded', stdout: '' });
  });

  it('takes too long: it is ended, with or without its consent', async () => {
    expect(await sh('trap "exit 0" TERM; sleep 60 & wait', { timeout_seconds: 0.3 })).toMatchObject({ phase: 'Failed', exit_code: 0, reason: 'timeout' });
    expect(await sh('trap "" TERM; while :; do sleep 0.1; done', { timeout_seconds: 0.3 })).toMatchObject({ exit_code: 137, signal: 'SIGKILL', reason: 'timeout' });
  });

  it('ignores SIGTERM: a DELETE ends it by SIGKILL, and a second one answers the same', async () => {
    const { run_id } = await sh('trap "" TERM; echo up; while :; do sleep 0.1; done', { wait_seconds: 0 });
    await until(async () => (await system.admin.get(`/v1/runs/${run_id}`)).body['stdout'] === 'up\n');
    expect((await system.admin.delete(`/v1/runs/${run_id}`)).status).toBe(200);
    const ended = (await system.admin.get(`/v1/runs/${run_id}?wait_seconds=20`)).body;
    expect(ended).toMatchObject({ phase: 'Failed', exit_code: 137, signal: 'SIGKILL', reason: 'stopped' });
    expect((await system.admin.delete(`/v1/runs/${run_id}`)).body).toEqual(ended);
  });

  it('writes more than is kept: the oldest goes, and offsets stay true', async () => {
    // Part by part, so that the container never has to drop what is not on record yet.
    const part = `awk -v from=$from 'BEGIN { for (i = 0; i < ${PART}; i++) printf "%019d\\n", from + i }'`;
    const { run_id } = await sh(`from=0; while [ $from -lt ${LINES} ]; do ${part}; from=$((from + ${PART})); until [ -e /tmp/go-$from ]; do sleep 0.05; done; done`, { wait_seconds: 0 });
    for (let lines = PART; lines <= LINES; lines += PART) {
      await until(async () => (await system.admin.get(`/v1/runs/${run_id}`)).body['stdout_bytes'] === lines * 20, 60_000);
      await run(['touch', `/tmp/go-${lines}`]);
    }
    const ended = (await system.admin.get(`/v1/runs/${run_id}?wait_seconds=30`)).body;
    const size = LINES * 20;
    expect(ended).toMatchObject({ phase: 'Succeeded', stdout_bytes: size, output_truncated: true });
    const log = (range?: string) => fetch(`${system.url}/v1/runs/${run_id}/logs?stream=stdout`, { headers: { authorization: `Bearer ${system.adminToken}`, ...(range === undefined ? {} : { range }) } });
    const kept = Buffer.from(await (await log()).arrayBuffer());
    expect(kept.length).toBeGreaterThan(CAP * 0.8);
    expect(kept.length).toBeLessThanOrEqual(CAP);
    expect(kept.subarray(-20).toString()).toBe(`${String(LINES - 1).padStart(19, '0')}\n`);
    const middle = await log(`bytes=${size - 1_000_000}-${size - 999_981}`);
    expect([middle.status, middle.headers.get('content-range')]).toEqual([206, `bytes ${size - 1_000_000}-${size - 999_981}/${size}`]);
    expect(await middle.text()).toBe(`${String(LINES - 50_000).padStart(19, '0')}\n`);
    const across = await log('bytes=0-');
    expect(across.headers.get('content-range')).toBe(`bytes ${size - kept.length}-${size - 1}/${size}`);
    expect(Buffer.from(await across.arrayBuffer()).equals(kept)).toBe(true);
    expect(await system.admin.get(`/v1/runs/${run_id}/logs?stream=stdout`, { range: 'bytes=0-9' })).toMatchObject({ status: 416, body: { code: 'range_not_satisfiable', size, first: size - kept.length } });
  }, 180_000);

  it('is so large that a list of such does not fit into one reply: the list comes in pages', async () => {
    const large = ['true', ...Array<string>(7).fill('x'.repeat(131_000))];
    for (let n = 0; n < 6; n++) await start(large, { wait_seconds: 0 });
    const first = (await system.admin.get('/v1/runs?limit=500')).body;
    expect(first['next_cursor']).not.toBeNull();
    const second = await system.admin.get(`/v1/runs?limit=500&cursor=${first['next_cursor']}`);
    expect(second.status).toBe(200);
    expect(second.body['runs'][0].run_id).not.toBe(first['runs'].at(-1).run_id);
    expect((await system.admin.get(`/v1/gpus/${gpuId}`)).status).toBe(200);
    expect(await system.admin.get('/v1/runs?cursor=garbage')).toMatchObject({ status: 422, body: { errors: [{ pointer: '/query/cursor' }] } });
  });
});
