export { computeContract } from './testing/compute.contract.ts';
export type { ComputeFixture, Skips } from './testing/compute-fixture.ts';
export { dockerFixture } from './testing/docker-fixture.ts';
export { importTestImage, testGpu } from './testing/import-test-image.ts';
export type { TestImageOptions } from './testing/import-test-image.ts';
export { launcherContract } from './testing/launcher.contract.ts';
export { bubblewrapMissing, processFixture } from './testing/process-fixture.ts';
export { startDockerEngine } from './testing/start-docker-engine.ts';
export type { DockerEngine, NoDockerEngine } from './testing/start-docker-engine.ts';
