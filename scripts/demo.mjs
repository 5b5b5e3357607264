/** `npm run demo [-- scenario]`: kgpu shows what it does. */
import { setUp } from './setup.mjs';

await setUp('services/standalone');
await import('../services/standalone/dist/demo/demo.js');
