import { describe, it } from '@jest/globals';
import { computeContract } from './testing/compute.contract.ts';
import { bubblewrapMissing, processFixture } from './testing/process-fixture.ts';

const noImages = 'the process driver starts no images';
const missing = await bubblewrapMissing();

if (missing === null) {
  computeContract('processes in bubblewrap', () => processFixture('bubblewrap'), {
    'says why an image does not start, and leaves nothing of it': noImages,
  });
} else {
  describe.skip(`compute: processes in bubblewrap (${missing})`, () => it('is not tested here', () => {}));
}

computeContract('plain processes', () => processFixture('none'), {
  'says why an image does not start, and leaves nothing of it': noImages,
  'tells of a main process that ended': 'its process 1 is that of the machine',
  'clears away the processes that others left behind': 'they are left to the machine',
});
