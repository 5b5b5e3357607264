/** `npm run chaos -- runs [--seed N]`: 200 MB of output while everything that watches is killed about a hundred times. */
import { parseArgs } from 'node:util';
import { runsUnderFire } from './runs-under-fire.ts';

export async function chaos(options: string[]): Promise<void> {
  const { values } = parseArgs({ args: options, options: { seed: { type: 'string' } } });
  const { lines, differences } = await runsUnderFire({ bytes: 200_000_000, seconds: 120, kills: 90, ...(values.seed === undefined ? {} : { seed: Number(values.seed) }) });
  for (const line of lines) console.log(`runs: ${line}`);
  if (differences.length > 0) throw new Error(`runs: ${differences.join('; ')}`);
  console.log('runs: nothing differed');
}
