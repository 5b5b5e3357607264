import { appendFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { until } from '../testing/until.ts';
import { LocalOutput, LocalOutputUnreadable } from './local-output.ts';
import type { RunHandlers, RunStream } from './run-channel.ts';

const runId = 'run-1-260101000000-0a0b0c0d';
let path: string;
let root: FileHandle;
let said: Record<RunStream, string>;
beforeEach(async () => {
  path = mkdtempSync(join(tmpdir(), 'kgpu-local-'));
  mkdirSync(folder(), { recursive: true });
  for (const channel of ['stdout', 'stderr'] as const) writeFileSync(file(channel), '');
  root = await open(path);
  said = { stdout: '', stderr: '' };
});
afterEach(async () => {
  await root.close();
  rmSync(path, { recursive: true });
});

const folder = () => join(path, 'tmp', 'kgpu', 'runs', runId);
const file = (channel: RunStream) => join(folder(), `${channel}.1000000000000000`);
const onOutput: RunHandlers['onOutput'] = (channel, _offset, bytes) => void (said[channel] += bytes.toString());

const unopened = (change: Partial<RunHandlers> = {}, keptBytes = 10_000_000) => new LocalOutput({ root: Promise.resolve(root), runId, keptBytes }, { stdout: 0, stderr: 0 }, { onOutput, ...change }, () => {});

async function newOutput(change?: Partial<RunHandlers>, keptBytes?: number): Promise<{ output: LocalOutput; failed: Promise<void> }> {
  const output = unopened(change, keptBytes);
  expect(await output.open()).toBe(true);
  const failed = Promise.withResolvers<void>();
  output.begin(failed.resolve);
  return { output, failed: failed.promise };
}

describe('output that is read out of files', () => {
  it('comes as it is written, and the rest of it at the end', async () => {
    const { output } = await newOutput();
    appendFileSync(file('stdout'), 'one ');
    await until('it has come', () => said.stdout === 'one ');
    appendFileSync(file('stdout'), 'two');
    appendFileSync(file('stderr'), 'err');
    expect(await output.finish(true)).toBe(true);
    expect(said).toEqual({ stdout: 'one two', stderr: 'err' });
  });

  it('is left at once when the session was cut, and when the host lets go', async () => {
    const abort = new AbortController();
    const { output: cut } = await newOutput();
    const { output: letGo } = await newOutput({ signal: abort.signal });
    abort.abort();
    appendFileSync(file('stdout'), 'more');
    await cut.finish(false);
    await letGo.finish(true);
    expect(said.stdout.length).toBeLessThanOrEqual(4);
  });

  it('has an end also where a file claims to be larger than there can be', async () => {
    truncateSync(file('stdout'), 2 ** 43);
    const { output } = await newOutput({ onOutput: () => {} }, 1_000_000);
    expect(await output.finish(true)).toBe(false);
  });

  it('is read to its end though it is deleted', async () => {
    const { output } = await newOutput();
    appendFileSync(file('stdout'), 'kept');
    rmSync(folder(), { recursive: true });
    expect(await output.finish(true)).toBe(true);
    expect(said.stdout).toBe('kept');
  });

  it('fails once, with what a handler threw', async () => {
    const { output, failed } = await newOutput({ onOutput: () => { throw new Error('not taken'); } });
    appendFileSync(file('stdout'), 'x');
    await failed;
    await expect(output.finish(false)).rejects.toThrow('not taken');
  });

  it.each<[string, () => void]>([
    ['the folder is a link', () => { rmSync(folder(), { recursive: true }); symlinkSync('/', folder()); }],
    ['a segment is a link', () => { rmSync(file('stdout')); symlinkSync('/etc/passwd', file('stdout')); }],
    ['the folder is gone', () => rmSync(folder(), { recursive: true })],
    ['a channel was deleted', () => rmSync(file('stderr'))],
  ])('is not opened when %s', async (_what, tamper) => {
    tamper();
    expect(await unopened().open()).toBe(false);
  });

  it('is said to be unreadable when a later segment is a link', async () => {
    appendFileSync(file('stdout'), 'one');
    symlinkSync('/etc/passwd', join(folder(), 'stdout.1000000000000003'));
    const { output, failed } = await newOutput();
    await failed;
    await expect(output.finish(false)).rejects.toThrow(LocalOutputUnreadable);
    expect(said.stdout).toBe('one');
  });
});
