/** `npm start`: the whole system on this machine. */
import { setUp } from './setup.mjs';

await setUp('services/standalone');
await import('../services/standalone/dist/main.js');
