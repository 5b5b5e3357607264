/** `npm run bench [-- name]`: what things cost, as ratios within one run. */
import { setUp } from './setup.mjs';

await setUp('services/standalone', 'bench');
await import('../bench/dist/bench.js');
