/** `npm run build`: every package. */
import { setUp } from './setup.mjs';

await setUp('.');
