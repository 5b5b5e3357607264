import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { check } from './checks.ts';
import { Play } from './play.ts';
import { scenario, type Scenario } from './scenario.ts';

let runs = 0;

/** Plays the scenario of a seed and checks it; rejects with the smallest scenario that fails in the same way. */
export async function runSeed(seed: number, folder: string): Promise<void> {
  await fc.assert(fc.asyncProperty(scenario, fc.noShrink(fc.nat()), (made, luck) => runScenario(made, luck, folder)), { seed, numRuns: 1 });
}

async function runScenario(made: Scenario, luck: number, folder: string): Promise<void> {
  const own = join(folder, String(runs++));
  mkdirSync(own, { recursive: true });
  const play = new Play(made, own);
  try {
    await check(await play.run(), numbers(luck));
  } finally {
    await play.close();
    rmSync(own, { recursive: true, force: true });
  }
}

/** The same numbers in [0, 1) for the same seed (mulberry32). */
function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
