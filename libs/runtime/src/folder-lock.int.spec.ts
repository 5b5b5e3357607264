import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { FolderInUse, lockFolder, oneAtATime } from './folder-lock.ts';
import { temporaryFolder } from './testing.ts';

describe('the lock of a data folder', () => {
  let folder: ReturnType<typeof temporaryFolder>;
  const children: ChildProcess[] = [];
  beforeEach(() => {
    folder = temporaryFolder();
  });
  afterEach(() => {
    for (const child of children.splice(0)) child.kill('SIGKILL');
    folder.remove();
  });

  /** Another process that takes the lock; resolves when it has it. */
  const lockElsewhere = (kind: string) => elsewhere(`globalThis.release = lockFolder(process.argv[1], '${kind}'); console.log('locked'); setInterval(() => {}, 1e6);`);

  /** Runs code in another process; resolves when that has printed something. */
  async function elsewhere(code: string): Promise<ChildProcess> {
    const script = `import { lockFolder, oneAtATime } from ${JSON.stringify(join(import.meta.dirname, 'folder-lock.js'))}; ${code}`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', script, folder.path], { stdio: ['ignore', 'pipe', 'ignore'] });
    children.push(child);
    await once(child.stdout, 'data');
    return child;
  }

  it('lets in one process of a kind, and the next one when that is killed', async () => {
    const first = await lockElsewhere('rental');
    expect(() => lockFolder(folder.path, 'rental')).toThrow(FolderInUse);
    expect(() => lockFolder(folder.path, 'rental')).toThrow(/is used by another kgpu that is running\. Stop it, or set KGPU_DATA_DIR/);
    first.kill('SIGKILL');
    await once(first, 'exit');
    lockFolder(folder.path, 'rental').release();
  });

  it('lets services be side by side, but none beside the one that is all of them', async () => {
    await lockElsewhere('rental');
    const ledger = lockFolder(folder.path, 'ledger');
    expect(() => lockFolder(folder.path, 'standalone')).toThrow(FolderInUse);
    ledger.release();
    const [rental] = children;
    rental!.kill('SIGKILL');
    await once(rental!, 'exit');
    const all = lockFolder(folder.path, 'standalone');
    expect(() => lockFolder(folder.path, 'rental')).toThrow(FolderInUse);
    all.release();
  });

  it('numbers processes of a kind that may share a folder; one that is started again is the same', async () => {
    const [first, second, third] = [lockFolder(folder.path, 'runner', 3), lockFolder(folder.path, 'runner', 3), lockFolder(folder.path, 'runner', 3)];
    expect([first.number, second.number, third.number]).toEqual([1, 2, 3]);
    expect(() => lockFolder(folder.path, 'runner', 3)).toThrow(FolderInUse);
    expect(() => lockFolder(folder.path, 'standalone')).toThrow(FolderInUse);
    second.release();
    expect(lockFolder(folder.path, 'runner', 3).number).toBe(2);
  });

  it('lets processes do what must be done one at a time, one after the other', async () => {
    await elsewhere(`
      import { writeFileSync, writeSync } from 'node:fs';
      oneAtATime(process.argv[1], () => {
        writeSync(1, 'in');
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300);
        writeFileSync(process.argv[1] + '/made', '');
      });`);
    expect(oneAtATime(folder.path, () => existsSync(join(folder.path, 'made')))).toBe(true);
  });

  it('does not take another trouble for another process', () => {
    writeFileSync(join(folder.path, 'rental.lock'), 'something else that is not a lock, and longer than the head of one '.repeat(20));
    expect(() => lockFolder(folder.path, 'rental')).toThrow(/not a database/);
    expect(() => lockFolder(join(folder.path, 'missing'), 'rental')).toThrow(/unable to open/);
  });
});
