import { afterAll, describe, it } from '@jest/globals';
import { temporaryFolder } from '@kgpu/runtime/testing';
import { runSeed } from './run-scenario.ts';

const SEEDS = 200;
const folder = temporaryFolder();
afterAll(() => folder.remove());

describe('random months of users, prices, runs, grants, downtime and kill -9', () => {
  it(`give what an oracle works out minute by minute, for ${SEEDS} seeds`, async () => {
    for (let seed = 1; seed <= SEEDS; seed++) {
      await runSeed(seed, folder.path).catch((cause: unknown) => {
        throw new Error(`npm run chaos -- ledger --seed ${seed}`, { cause });
      });
    }
  }, 300_000);
});
