/** `npm run chaos -- runs [--seed N]`: 200 MB under fire, about a hundred kills. */
import { parseArgs } from 'node:util';
import { runsUnderFire } from './runs-under-fire.ts';

/** Says what was done. Rejects when something differed. */
export async function chaos(options: string[]): Promise<void> {
  const { values } = parseArgs({ args: options, options: { seed: { type: 'string' } } });
  const { lines, differences } = await runsUnderFire({ bytes: 200_000_000, seconds: 120, kills: 90, ...(values.seed === undefined ? {} : { seed: Number(values.seed) }) });
  for (const line of ['runs', ...lines]) console.log(line);
  if (differences.length > 0) throw new Error(`not as it should be:\n${differences.join('\n')}`);
  console.log('nothing differed');
}
