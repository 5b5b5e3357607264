/** `npm run chaos -- ledger [--seeds 10000] [--seed N]`: the simulation for many seeds, or for one that has failed. */
import { parseArgs } from 'node:util';
import { temporaryFolder } from '@kgpu/runtime/testing';
import { runSeed } from './simulation/run-scenario.ts';

const USUAL_SEEDS = '10000';
const TOLD_EVERY = 1_000;

export async function chaos(options: string[]): Promise<void> {
  const { values } = parseArgs({ args: options, options: { seeds: { type: 'string', default: USUAL_SEEDS }, seed: { type: 'string' } } });
  const first = values.seed === undefined ? Math.floor(Math.random() * 1_000_000_000) : Number(values.seed);
  const count = values.seed === undefined ? Number(values.seeds) : 1;
  if (!Number.isSafeInteger(first) || !Number.isSafeInteger(count) || count < 1) throw new Error('--seed and --seeds are whole numbers');
  const folder = temporaryFolder();
  try {
    await runSeeds(first, count, folder.path);
  } finally {
    folder.remove();
  }
}

async function runSeeds(first: number, count: number, folder: string): Promise<void> {
  const begun = performance.now();
  for (let done = 0; done < count; done++) {
    const seed = first + done;
    await runSeed(seed, folder).catch((cause: unknown) => {
      throw new Error(`ledger: seed ${seed} fails; npm run chaos -- ledger --seed ${seed} does it again`, { cause });
    });
    if ((done + 1) % TOLD_EVERY === 0) console.log(`ledger: ${done + 1} of ${count} seeds`);
  }
  console.log(`ledger: ${count} seeds from ${first} on, all as the oracle says, in ${((performance.now() - begun) / 1_000).toFixed(1)} s`);
}
