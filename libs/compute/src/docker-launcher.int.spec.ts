import { afterAll, describe, it } from '@jest/globals';
import { launcherContract } from './testing/launcher.contract.ts';
import { dockerFixture } from './testing/docker-fixture.ts';
import { throughTheEngine } from './testing/through-the-engine.ts';
import { startDockerEngine } from './testing/start-docker-engine.ts';

const engine = await startDockerEngine();

if (engine.dockerHost === null) {
  describe.skip(`launcher: Docker (${engine.reason})`, () => it('is not tested here', () => {}));
} else {
  afterAll(() => engine.stop());
  launcherContract('Docker', () => dockerFixture(engine.dockerHost));
  launcherContract('Docker, through the engine', () => dockerFixture(engine.dockerHost), {}, throughTheEngine);
}
