import type { Report } from './chaos.ts';
import { runsUnderFire } from './runs-under-fire.ts';

/** 200 MB, and about a hundred kills. */
export function run(): Promise<Report> {
  const seed = process.env['KGPU_CHAOS_SEED'];
  return runsUnderFire({ bytes: 200_000_000, seconds: 120, kills: 90, ...(seed === undefined ? {} : { seed: Number(seed) }) });
}
