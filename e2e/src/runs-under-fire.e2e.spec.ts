import { describe, expect, it } from '@jest/globals';
import { runsUnderFire } from './chaos/runs-under-fire.ts';

describe('runs whose watchers are killed -9 at random', () => {
  it('lose no byte and repeat none, end once each, and their clients get each byte once', async () => {
    const { lines, differences } = await runsUnderFire({ bytes: 10_000_000, seconds: 6, kills: 12 });
    expect({ lines, differences }).toEqual({ lines, differences: [] });
  }, 300_000);
});
