import { describe, it } from '@jest/globals';
import { drivesProblem } from './process/drives-problem.ts';
import { drivesContract } from './testing/drives.contract.ts';
import { bubblewrapMissing, processFixture } from './testing/process-fixture.ts';

const missing = (await bubblewrapMissing()) ?? drivesProblem();

if (missing === null) drivesContract('processes in bubblewrap', () => processFixture('bubblewrap'));
else describe.skip(`drives: processes in bubblewrap (${missing})`, () => it('are not tested here', () => {}));
