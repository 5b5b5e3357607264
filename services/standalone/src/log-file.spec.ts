import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openLogFile } from './log-file.ts';

describe('the log file', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'kgpu-log-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('goes on where the start before it ended, and belongs to its owner only', () => {
    const path = join(folder, 'kgpu.log');
    for (const line of ['one\n', 'two\n']) openLogFile(path).end(line);
    expect(readFileSync(path, 'utf8')).toBe('one\ntwo\n');
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  it('keeps itself and the one before it within the bound', () => {
    const path = join(folder, 'kgpu.log');
    const log = openLogFile(path, 20);
    for (let line = 0; line < 10; line++) log.write(`line ${line} \n`);
    log.end();
    expect(readFileSync(`${path}.1`, 'utf8')).toBe('line 6 \nline 7 \nline 8 \n');
    expect(readFileSync(path, 'utf8')).toBe('line 9 \n');
  });
});
