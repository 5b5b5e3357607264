import { afterAll, describe, it } from '@jest/globals';
import { computeContract } from './testing/compute.contract.ts';
import { dockerFixture } from './testing/docker-fixture.ts';
import { startDockerEngine } from './testing/start-docker-engine.ts';

const engine = await startDockerEngine();

if (engine.dockerHost === null) {
  describe.skip(`compute: Docker (${engine.reason})`, () => it('is not tested here', () => {}));
} else {
  afterAll(() => engine.stop());
  computeContract('Docker', () => dockerFixture(engine.dockerHost));
}
