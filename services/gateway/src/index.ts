export { start } from './start.ts';
export type { RunningGateway } from './start.ts';
