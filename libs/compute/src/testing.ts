export { importTestImage, testGpu } from './testing/import-test-image.ts';
export type { TestImageOptions } from './testing/import-test-image.ts';
export { startDockerEngine } from './testing/start-docker-engine.ts';
export type { DockerEngine, NoDockerEngine } from './testing/start-docker-engine.ts';
