import { runMain } from '@kgpu/runtime';
import { start } from './start.ts';

await runMain('files', start);
