import { execFileSync } from 'node:child_process';
import { describe, it } from '@jest/globals';
import { launcherContract } from './testing/launcher.contract.ts';
import { processFixture } from './testing/process-fixture.ts';
import { throughTheEngine } from './testing/through-the-engine.ts';
import { withShell } from './testing/with-shell.ts';

const skips = { 'an image without a shell is told from a program that is not there': 'this machine has a shell' };

for (const shell of [['bash'], ['busybox', 'sh']]) {
  const name = shell.join(' ');
  if (isThere(shell)) launcherContract(name, () => processFixture('none'), skips, (compute) => withShell(throughTheEngine(compute), shell));
  else describe.skip(`launcher: ${name} (not installed)`, () => it('is not tested here', () => {}));
}

function isThere([file = '', ...args]: string[]): boolean {
  try {
    execFileSync(file, [...args, '-c', 'true']);
    return true;
  } catch {
    return false;
  }
}
