import { PassThrough, Writable } from 'node:stream';
import { describe, expect, it } from '@jest/globals';
import { until } from '../testing/until.ts';
import { Ticker } from './ticker.ts';

describe('the ticker', () => {
  it('slows down while nothing comes, and is quick again after output', async () => {
    const stdin = new PassThrough();
    const times: number[] = [];
    stdin.on('data', () => times.push(performance.now()));
    const ticker = new Ticker(stdin);
    await until('it has slowed down', () => times.length > 3 && times.at(-1)! - times.at(-2)! > 15, 5_000);
    const before = times.length;
    const heard = performance.now();
    ticker.heard();
    await until('it ticks again', () => times.length > before);
    expect(times[before]! - heard).toBeLessThan(100);
    ticker.stop();
  });

  it('sends no second tick to a follower that has not taken the first', async () => {
    let ticks = 0;
    const ticker = new Ticker(new Writable({ write: () => { ticks += 1; } }));
    await new Promise((resolve) => setTimeout(resolve, 100)); // what would pile up in this time
    ticker.stop();
    expect(ticks).toBe(1);
  });
});
