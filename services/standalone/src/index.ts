export { exportLines, firstCommands } from './banner.ts';
export { startStandalone, type Standalone, type StandaloneOptions } from './standalone.ts';
