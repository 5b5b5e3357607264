import { describe, it } from '@jest/globals';
import { launcherContract } from './testing/launcher.contract.ts';
import { bubblewrapMissing, processFixture } from './testing/process-fixture.ts';

const skips = { 'an image without a shell is told from a program that is not there': 'this machine has a shell' };
const missing = await bubblewrapMissing();

if (missing === null) launcherContract('processes in bubblewrap', () => processFixture('bubblewrap'), skips);
else describe.skip(`launcher: processes in bubblewrap (${missing})`, () => it('is not tested here', () => {}));

launcherContract('plain processes', () => processFixture('none'), skips);
