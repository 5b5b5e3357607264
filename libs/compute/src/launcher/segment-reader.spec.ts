import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { SegmentReader } from './segment-reader.ts';

let path: string;
let folder: FileHandle;
beforeEach(async () => {
  path = mkdtempSync(join(tmpdir(), 'kgpu-segments-'));
  folder = await open(path);
});
afterEach(async () => {
  await folder.close();
  rmSync(path, { recursive: true });
});

const file = (base: number, channel = 'stdout') => join(path, `${channel}.${1_000_000_000_000_000 + base}`);
const memory = Buffer.alloc(4);
/** All that there is now, as `offset:text`, in parts of 4 bytes at most. */
async function readAll(reader: SegmentReader): Promise<string> {
  const parts: string[] = [];
  for (let part; (part = await reader.read(() => memory)) !== null;) parts.push(`${part.offset}:${part.bytes.toString()}`);
  return parts.join(' ');
}

describe('the segments of a channel', () => {
  it('are read as they grow and follow each other, from any offset', async () => {
    const readers = [0, 3, 6, 8].map((offset) => new SegmentReader(folder, 'stdout', offset));
    expect(await Promise.all(readers.map((reader) => reader.read(() => memory)))).toEqual([null, null, null, null]);
    writeFileSync(file(0), '');
    expect(await readAll(readers[0]!)).toBe('');
    appendFileSync(file(0), 'abc');
    expect(await readAll(readers[0]!)).toBe('0:abc');
    appendFileSync(file(0), 'def');
    writeFileSync(file(6), 'ghi');
    writeFileSync(file(0, 'stderr'), 'other');
    const all: string[] = [];
    for (const reader of readers) all.push(await readAll(reader));
    expect(all).toEqual(['3:def 6:ghi', '3:def 6:ghi', '6:ghi', '8:i']);
    for (const reader of readers) await reader.close();
  });

  it('go on at the oldest that is left where others were dropped', async () => {
    writeFileSync(file(0), 'abc');
    const behind = new SegmentReader(folder, 'stdout', 0);
    expect(await readAll(behind)).toBe('0:abc');
    for (const base of [0, 3, 6]) rmSync(file(base), { force: true });
    writeFileSync(file(9), 'jkl');
    expect(await readAll(behind)).toBe('9:jkl');
    const late = new SegmentReader(folder, 'stdout', 4);
    expect(await readAll(late)).toBe('9:jkl');
    await Promise.all([behind.close(), late.close()]);
  });

  it('are read to their end after somebody has deleted them', async () => {
    writeFileSync(file(0), 'abc');
    const pump = await open(file(0), 'a');
    const reader = new SegmentReader(folder, 'stdout', 0);
    expect(await readAll(reader)).toBe('0:abc');
    rmSync(file(0));
    await pump.write('def');
    expect(await readAll(reader)).toBe('3:def');
    expect(await readAll(reader)).toBe('');
    const late = new SegmentReader(folder, 'stdout', 0);
    expect([await readAll(late), await late.open()]).toEqual(['', false]);
    await pump.close();
    await reader.close();
  });

  it('are not confused by what else somebody puts there', async () => {
    writeFileSync(file(0), 'abc');
    for (const name of ['stdout.', 'stdout.1', 'stdout.1999999999999999', 'stdout.0000000000000001', 'stdoutx.1000000000000000']) writeFileSync(join(path, name), 'forged');
    const reader = new SegmentReader(folder, 'stdout', 0);
    expect(await readAll(reader)).toBe('0:abc');
    await reader.close();
  });

  it('are not looked for among thousands of files', async () => {
    for (let n = 0; n < 1_001; n++) writeFileSync(join(path, `${n}`), '');
    await expect(new SegmentReader(folder, 'stdout', 0).read(() => memory)).rejects.toThrow('more than 1000 files');
  });
});
