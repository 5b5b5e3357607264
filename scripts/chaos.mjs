/** `npm run chaos [-- name]`: kills what can be killed, for minutes, and says what differed. */
import { setUp } from './setup.mjs';

await setUp('.');
await import('../e2e/dist/chaos/chaos.js');
