import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { openFileInside, openFolderInside } from './open-inside.ts';

let path: string;
let root: FileHandle;
beforeEach(async () => {
  path = mkdtempSync(join(tmpdir(), 'kgpu-inside-'));
  mkdirSync(join(path, 'a', 'b'), { recursive: true });
  writeFileSync(join(path, 'a', 'b', 'file'), 'mine');
  writeFileSync(join(path, 'secret'), 'of the machine');
  root = await open(path);
});
afterEach(async () => {
  await root.close();
  rmSync(path, { recursive: true });
});

async function textOf(names: string[], file: string): Promise<string | null> {
  const folder = await openFolderInside(root, names);
  try {
    const opened = await openFileInside(folder, file);
    const text = (await opened?.readFile('utf8')) ?? null;
    await opened?.close();
    return text;
  } finally {
    await folder.close();
  }
}

describe('what lies in a folder of a tenant', () => {
  it('is opened by its names, and is null when it is not there', async () => {
    expect(await textOf(['a', 'b'], 'file')).toBe('mine');
    expect(await textOf(['a', 'b'], 'none')).toBeNull();
    await expect(textOf(['a', 'none'], 'file')).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it.each<[string, () => void]>([
    ['a folder on the way', () => symlinkSync(join(path, 'a'), join(path, 'x'))],
    ['a folder on the way, relative', () => symlinkSync('a', join(path, 'x'))],
  ])('is not reached over a link in the place of %s', async (_where, link) => {
    link();
    await expect(textOf(['x', 'b'], 'file')).rejects.toMatchObject({ code: expect.stringMatching(/ELOOP|ENOTDIR/) });
  });

  it('is not reached over a link in the place of the file', async () => {
    symlinkSync(join(path, 'secret'), join(path, 'a', 'b', 'link'));
    await expect(textOf(['a', 'b'], 'link')).rejects.toMatchObject({ code: 'ELOOP' });
  });

  it('is not waited for when it is a pipe', async () => {
    execFileSync('mkfifo', [join(path, 'a', 'b', 'pipe')]);
    await expect(textOf(['a', 'b'], 'pipe')).rejects.toThrow('pipe is no plain file');
  });

  it('stays what was opened, whatever takes its place', async () => {
    const folder = await openFolderInside(root, ['a', 'b']);
    renameSync(join(path, 'a'), join(path, 'moved'));
    mkdirSync(join(path, 'a', 'b'), { recursive: true });
    writeFileSync(join(path, 'a', 'b', 'file'), 'another');
    const file = (await openFileInside(folder, 'file'))!;
    expect(await file.readFile('utf8')).toBe('mine');
    await file.close();
    await folder.close();
  });
});
