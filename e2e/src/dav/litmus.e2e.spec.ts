/** The WebDAV conformance suite, and cadaver. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startSystem, type System } from '../system.ts';
import { isInstalled, runProgram } from './program.ts';

describe('clients of WebDAV', () => {
  let system: System;
  let folder: string;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'kgpu-dav-'));
    system = await startSystem({ KGPU_RATE_LIMIT_PER_MINUTE: '100000' });
  });
  afterAll(async () => {
    await system?.remove();
    rmSync(folder, { recursive: true, force: true });
  });

  const litmus = isInstalled('litmus') ? it.each : it.skip.each;
  litmus([['basic', 16], ['copymove', 13], ['props', 30], ['locks', 41], ['http', 4]])('litmus finds nothing wrong in %s, of %i tests (needs litmus)', async (suite, tests) => {
    const { stdout } = await runProgram('litmus', ['-k', `${system.url}/v1/files/`, 'anybody', system.adminToken], { cwd: folder, env: { TESTS: suite } });
    expect(stdout.split('\n').filter((line) => /FAIL|WARNING/.test(line))).toEqual([]);
    expect(stdout).toContain(`of ${tests} tests run: ${tests} passed, 0 failed. 100.0%`);
  });

  const cadaver = isInstalled('cadaver') ? it : it.skip;
  cadaver('cadaver makes folders, puts, moves, copies, locks, gets and deletes (needs cadaver)', async () => {
    writeFileSync(join(folder, '.netrc'), `machine 127.0.0.1 login anybody password ${system.adminToken}\n`, { mode: 0o600 });
    writeFileSync(join(folder, 'in.txt'), 'hello from cadaver\n');
    const script = `mkcol cad
cd cad
put in.txt one.txt
copy one.txt two.txt
move two.txt "three four.txt"
lock one.txt
unlock one.txt
propset one.txt colour blue
propget one.txt colour
ls
get "three four.txt" out.txt
delete one.txt
cd ..
quit
`;
    const { stdout, stderr } = await runProgram('cadaver', [`${system.url}/v1/files/`], { cwd: folder, env: { HOME: folder }, input: script });
    expect(`${stdout}${stderr}`).not.toMatch(/failed|could not/i);
    expect(stdout).toContain('blue');
    expect(readFileSync(join(folder, 'out.txt'), 'utf8')).toBe('hello from cadaver\n');
    const { body } = await system.admin.get('/v1/files?prefix=cad/');
    expect(body['files'].map(({ path }: { path: string }) => path)).toEqual(['cad/three four.txt']);
  });
});
