/** Small shapes that many schemas are made of. */
import { z } from 'zod';

/** RFC 3339 in UTC, as `Date.toISOString()` writes it. */
export const instant = z.iso.datetime();
export const gpuId = z.string().regex(/^gpu-\d{1,10}-\d{12}-[0-9a-f]{8}$/).meta({ description: 'gpu-<user>-<yymmddhhmmss>-<random>' });
export const runId = z.string().regex(/^run-\d{1,10}-\d{12}-[0-9a-f]{8}$/).meta({ description: 'run-<user>-<yymmddhhmmss>-<random>' });
export const userId = z.int().positive().max(2_147_483_647);
export const email = z.email().max(254).transform((address) => address.toLowerCase());
/** A name that people give: no control characters, so that it can't garble a terminal or a log. */
export const displayName = z.string().min(1).max(100).regex(/^[^\p{Cc}]+$/u, 'must not hold control characters');
/** Whole credits: far above any lab's budget, far below what a double can hold in units. */
export const credits = z.int().min(-1_000_000_000_000).max(1_000_000_000_000);
export const envName = z.string().max(256).regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'must be a name of letters, digits and _');
/** A string that can travel to a process: no NUL byte. */
export const noNul = (max: number) => z.string().max(max).refine((text) => !text.includes('\0'), 'must not hold a NUL byte');
export const env = z
  .record(envName, noNul(131_072))
  .refine((variables) => Object.keys(variables).length <= 256, 'at most 256 variables');
