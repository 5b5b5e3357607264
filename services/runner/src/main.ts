import { runMain } from '@kgpu/runtime';
import { start } from './start.ts';

/** As many as one folder's processes will ever need. */
const REPLICAS = 16;

await runMain('runner', start, { replicas: REPLICAS });
